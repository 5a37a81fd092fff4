// Claims about what is reported, and what is left, when a peer goes.

#include <fstream>
#include <sstream>

#include "claims/streams.hpp"
#include "echo/socket.hpp"

namespace echomux::claims {
namespace {

void observe_rdhup(Context&, Evidence& seen) {
  constexpr std::uint32_t asked = EPOLLIN | EPOLLRDHUP;
  const Connection half = tcp_connection();
  const int server = half.server.get();
  Watch level(server, asked);
  Watch edge(server, asked | EPOLLET);
  Watch not_asked(server, EPOLLIN);
  deliver(half.client.get(), server, 10);
  seen.events("open", "the peer sent data, LT", level.wait(patience));
  static_cast<void>(edge.wait(patience));
  take(server, 10);
  end_direction(half.client.get(), server);
  seen.events("half_close_lt", "the peer ended its direction, LT", level.wait(patience));
  seen.events("half_close_et", "the peer ended its direction, ET", edge.wait(patience));
  seen.events("half_close_not_asked", "EPOLLRDHUP not asked for", not_asked.wait(patience));
  // Data and the end in one edge: what a loop that stops after a short read must know.
  const Connection both = tcp_connection();
  Watch one_edge(both.server.get(), asked | EPOLLET);
  deliver(both.client.get(), both.server.get(), 10);
  end_direction(both.client.get(), both.server.get());
  seen.events("data_and_end", "data and the end together, ET", one_edge.wait(patience));
  static_cast<void>(read_now(both.server.get(), 100));
  seen.events("data_and_end_again", "after one read that was short, ET", one_edge.wait(silence));
  Connection closed = tcp_connection();
  Watch last(closed.server.get(), asked);
  closed.client.reset();
  await("the end had arrived", [&] { return in_close_wait(closed.server.get()); });
  seen.events("full_close", "the peer closed altogether, LT", last.wait(patience));
}

// What is reported to somebody who has asked for nothing.
void observe_unasked(Context&, Evidence& seen) {
  Pipe no_writer;
  Watch reader(no_writer.read_end.get(), 0);
  deliver(no_writer.write_end.get(), no_writer.read_end.get(), 1);
  seen.events("pipe_data", "a pipe with data", reader.wait(silence));
  no_writer.write_end.reset();
  seen.events("pipe_no_writer", "a pipe whose writer is gone", reader.wait(silence));
  Pipe no_reader;
  Watch writer(no_reader.write_end.get(), 0);
  no_reader.read_end.reset();
  seen.events("pipe_no_reader", "a pipe whose reader is gone", writer.wait(silence));
  const Connection ended = tcp_connection();
  Watch half(ended.server.get(), 0);
  end_direction(ended.client.get(), ended.server.get());
  seen.events("tcp_half_closed", "TCP, the peer ended its direction", half.wait(silence));
  end_direction(ended.server.get());
  seen.events("tcp_both_ended", "TCP, both directions ended", half.wait(silence));
  Connection broken = tcp_connection();
  Watch watch(broken.server.get(), 0);
  Watch spent(broken.server.get(), EPOLLIN | EPOLLONESHOT);
  deliver(broken.client.get(), broken.server.get(), 1);
  seen.events("oneshot_fired", "TCP with EPOLLONESHOT, data", spent.wait(patience));
  reset(broken.client);
  seen.events("tcp_reset", "TCP, the peer reset", watch.wait(patience));
  seen.events("oneshot_reset", "TCP, the peer reset, EPOLLONESHOT spent", spent.wait(silence));
}

// As the listing does: read the end, then switch the interest to EPOLLHUP and wait.
void observe_hup(Context&, Evidence& seen) {
  Connection connection = tcp_connection();
  const int server = connection.server.get();
  Watch watch(server, EPOLLIN);
  connection.client.reset();
  seen.events("close", "the peer closed, EPOLLIN asked for", watch.wait(patience));
  seen.note("close_read_bytes", "a read returned", read_now(server, 1024));
  watch.change(server, EPOLLHUP);
  seen.events("after_close", "EPOLLHUP asked for, for 0.3 s", watch.wait(5 * silence));
  seen.note("close_wait", "the connection is in CLOSE_WAIT", in_close_wait(server));
  end_direction(server);
  seen.events("both_ended", "after shutdown of the own direction", watch.wait(patience));
  Connection broken = tcp_connection();
  Watch of_broken(broken.server.get(), EPOLLHUP);
  reset(broken.client);
  seen.events("reset", "the peer reset, EPOLLHUP asked for", of_broken.wait(patience));
  Pipe pipe;
  Watch of_pipe(pipe.read_end.get(), EPOLLHUP);
  pipe.write_end.reset();
  seen.events("pipe_close", "a pipe, the writer closed", of_pipe.wait(silence));
  Connection local = unix_connection(SOCK_STREAM);
  Watch of_local(local.server.get(), EPOLLHUP);
  local.client.reset();
  seen.events("unix_close", "a Unix socket, the peer closed", of_local.wait(silence));
}

void observe_in(Context&, Evidence& seen) {
  // Looks before and after `go`, and what a read says then: 0 for the end, an errno, negative.
  const auto observe = [&](const std::string& name, const std::string& what, int fd, auto go) {
    Watch watch(fd, EPOLLIN);
    seen.events(name + "_before", what + ", before", watch.wait());
    go();
    seen.events(name, what, watch.wait(patience));
    seen.note(name + "_read", what + ", a read returned (or -errno)", read_now(fd, 10));
  };
  Connection closed = tcp_connection();
  observe("tcp_close", "TCP, the peer closed", closed.server.get(), [&] { closed.client.reset(); });
  const Connection ended = tcp_connection();
  observe("tcp_half_close", "TCP, the peer ended its direction", ended.server.get(),
          [&] { end_direction(ended.client.get()); });
  Connection broken = tcp_connection();
  observe("tcp_reset", "TCP, the peer reset", broken.server.get(), [&] { reset(broken.client); });
  Connection local = unix_connection(SOCK_STREAM);
  observe("unix_close", "a Unix socket, the peer closed", local.server.get(),
          [&] { local.client.reset(); });
  Pipe pipe;
  observe("pipe_close", "a pipe, the writer closed", pipe.read_end.get(),
          [&] { pipe.write_end.reset(); });
}

FileDescriptor socket_with(bool reuse) {
  FileDescriptor socket(check(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  const int on = reuse ? 1 : 0;
  check(::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "setsockopt");
  return socket;
}

// The errno of binding to this address and listening there, 0 if that goes well.
int errno_of_listening(const Endpoint& address, bool reuse) {
  const FileDescriptor socket = socket_with(reuse);
  if (::bind(socket.get(), address.raw(), address.length) != 0) return errno;
  return ::listen(socket.get(), 1) == 0 ? 0 : errno;
}

// Whether the kernel has a connection in TIME_WAIT on this local port (proc(5), net/tcp).
bool in_time_wait(std::uint16_t port) {
  std::ifstream file("/proc/self/net/tcp");
  const std::string end_of_address = fmt::format(":{:04X}", port);
  std::string number, local, remote, state;
  for (std::string line; std::getline(file, line);) {
    std::istringstream(line) >> number >> local >> remote >> state;
    if (local.ends_with(end_of_address) && state == "06") return true;
  }
  return false;
}

// A server on a port of its own closes a connection first, and so keeps it in TIME_WAIT.
void observe_time_wait(Evidence& seen, bool old_reuse) {
  const std::string name = old_reuse ? "old_with" : "old_without";
  const std::string old = old_reuse ? "errno, an old server with it" : "errno, one without";
  FileDescriptor listener = socket_with(old_reuse);
  const Endpoint any_port = resolve("127.0.0.1", 0);
  check(::bind(listener.get(), any_port.raw(), any_port.length), "bind");
  check(::listen(listener.get(), 1), "listen");
  const Endpoint address = local_endpoint(listener.get());
  FileDescriptor client = tcp_client_of(listener.get());
  FileDescriptor served(check(::accept(listener.get(), nullptr, nullptr), "accept"));
  served.reset();
  await("the end had arrived", [&] { return in_close_wait(client.get()); });
  client.reset();
  if (old_reuse) {
    seen.note("beside_listener_errno", "errno beside it", errno_of_listening(address, true));
  }
  listener.reset();
  // In vain where the kernel keeps as many as it may (tcp_max_tw_buckets): then the port is free.
  static_cast<void>(eventually([&] { return in_time_wait(address.port()); }));
  seen.note(name + "_new_without_errno", old + ", without", errno_of_listening(address, false));
  seen.note(name + "_new_with_errno", old + ", with", errno_of_listening(address, true));
}

void observe_reuseaddr(Context&, Evidence& seen) {
  observe_time_wait(seen, true);
  observe_time_wait(seen, false);
}

}  // namespace

std::span<const Test> hang_up_tests() noexcept {
  static constexpr std::array all{
      Test{"rdhup", observe_rdhup},
      Test{"hup-err-unasked", observe_unasked},
      Test{"hup-on-close", observe_hup},
      Test{"in-on-close", observe_in},
      Test{"reuseaddr-time-wait", observe_reuseaddr},
  };
  return all;
}

}  // namespace echomux::claims
