// Claims about what level- and edge-triggered epoll report, and how much must be read.

#include "claims/streams.hpp"

namespace echomux::claims {
namespace {

void observe_both_modes(Context&, Evidence& seen) {
  on_pipe_and_tcp([&](const std::string& on, int from, int to) {
    Watch level(to, EPOLLIN);
    Watch edge(to, EPOLLIN | EPOLLET);
    deliver(from, to, 2048);
    seen.events(on + "_lt_first", on + ", 2 KB came, LT", level.wait(patience));
    seen.events(on + "_et_first", on + ", 2 KB came, ET", edge.wait(patience));
    take(to, 1024);
    seen.note(on + "_unread_bytes", on + ", left to read", unread(to));
    seen.events(on + "_lt_again", on + ", 1 KB was read, LT at once", level.wait());
    seen.events(on + "_et_again", on + ", 1 KB was read, ET for a while", edge.wait(silence));
    deliver(from, to, 1);
    seen.events(on + "_et_more", on + ", one byte more came, ET", edge.wait(patience));
  });
}

void observe_blocking_socket(Context&, Evidence& seen) {
  constexpr std::size_t message = 3000;
  const Connection connection = tcp_connection();
  const int server = connection.server.get();
  Watch edge(server, EPOLLIN | EPOLLET);
  std::size_t read = 0;
  int edges = 0;
  for (int i = 0; i < 2; ++i) {
    deliver(connection.client.get(), server, message);
    if (edge.wait(patience) == 0) continue;
    ++edges;
    for (std::ptrdiff_t now = 0; (now = read_now(server, 1024)) > 0;) read += std::size_t(now);
  }
  seen.note("dontwait_edges", "edges of two messages, each drained with MSG_DONTWAIT", edges);
  seen.note("dontwait_read_bytes", "bytes that were read so", read);
  deliver(connection.client.get(), server, message);
  seen.events("blocking_events", "ET, a blocking socket with data", edge.wait(patience));
  const Background drain(
      [&] {
        char buffer[1024];
        while (::recv(server, buffer, sizeof buffer, 0) > 0) {
        }
      },
      [&] { ::shutdown(server, SHUT_RDWR); });
  seen.note("drain_blocked", "blocking reads sleep, all data taken",
            drain.falls_asleep() && unread(server) == 0);
}

// The server of the listings: wait, receive up to 1,024 bytes, once or until there is no more, and
// send them back. The buffers hold the whole message, so that sending doesn't block.
void serve(int socket, std::uint32_t mode, bool until_empty, const std::atomic<bool>& stop) {
  Watch watch(socket, EPOLLIN | mode);
  char buffer[1024];
  while (!stop) {
    if (watch.wait(silence / 4) == 0) continue;
    do {
      const ssize_t count = ::recv(socket, buffer, sizeof buffer, MSG_DONTWAIT);
      if (count <= 0) break;
      ::send(socket, buffer, std::size_t(count), MSG_NOSIGNAL);
    } while (until_empty);
  }
}

// All that comes back until nothing has come for a while.
double echoed(int client) {
  double sum = 0;
  Watch watch(client, EPOLLIN);
  while (watch.wait(2 * silence) != 0) {
    const std::ptrdiff_t count = read_now(client, 1 << 16);
    if (count <= 0) break;
    sum += double(count);
  }
  return sum;
}

void observe_single_read(Context&, Evidence& seen) {
  const auto observe = [&](const std::string& name, std::uint32_t mode, bool until_empty) {
    std::vector<double> back;
    std::vector<double> nudged;
    for (int i = 0; i < 3; ++i) {
      const Connection connection = tcp_connection();
      const int client = connection.client.get();
      std::atomic<bool> stop = false;
      const Background server([&] { serve(connection.server.get(), mode, until_empty, stop); },
                              [&] {
                                stop = true;
                                ::shutdown(connection.server.get(), SHUT_RDWR);
                              });
      const std::string bytes(std::size_t{64} * 1024, 'x');
      ::send(client, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      back.push_back(echoed(client));
      ::send(client, "y", 1, MSG_NOSIGNAL);
      nudged.push_back(echoed(client));
    }
    seen.measure(name + "_echoed_bytes", name + ": of 64 KiB came back", std::move(back));
    seen.measure(name + "_nudged_bytes", name + ": and when one byte more was sent",
                 std::move(nudged));
  };
  observe("et_once", EPOLLET, false);
  observe("et_drain", EPOLLET, true);
  observe("lt_once", 0, false);
}

// Takes the edge, reads once, asks for another edge, and only then looks whether something was
// left. The end of the stream, which a read tells by returning 0, counts as something.
void observe_short_read(Context&, Evidence& seen) {
  const auto observe = [&](const std::string& name, const std::string& what, int fd, auto send) {
    Watch edge(fd, EPOLLIN | EPOLLET | EPOLLRDHUP);
    send();
    seen.events(name + "_events", what + ", the edge", edge.wait(patience));
    seen.note(name + "_read_bytes", what + ", a read of 4,096 bytes returned", read_now(fd, 4096));
    const bool told = edge.wait(silence) != 0;
    seen.note(name + "_left", what + ", left without an edge", !told && read_now(fd, 4096) >= 0);
  };
  on_pipe_and_tcp([&](const std::string& on, int from, int to) {
    observe(on, on, to, [&] { deliver(from, to, 100); });
  });
  const Connection urgent = tcp_connection();
  const int sender = urgent.client.get();
  observe("urgent", "TCP with an urgent byte between", urgent.server.get(), [&] {
    deliver(sender, urgent.server.get(), 100);
    check(::send(sender, "!", 1, MSG_OOB | MSG_NOSIGNAL), "send MSG_OOB");
    check(::send(sender, "more", 4, MSG_NOSIGNAL), "send");
    await("the peer had acknowledged all", [&] { return unacknowledged(sender) == 0; });
  });
  const Connection ended = tcp_connection();
  observe("end", "TCP, the end had come too", ended.server.get(), [&] {
    deliver(ended.client.get(), ended.server.get(), 100);
    end_direction(ended.client.get(), ended.server.get());
  });
  const Connection packets = unix_connection(SOCK_DGRAM);
  observe("datagram", "two datagrams", packets.server.get(), [&] {
    for (int i = 0; i < 2; ++i) check(::send(packets.client.get(), "packet", 6, 0), "send");
  });
}

// A level-triggered echo server whose sockets block: one recv and one send per event.
void serve(const Connection& one, const Connection& other, const std::atomic<bool>& stop) {
  Watch watch(one.server.get(), EPOLLIN);
  watch.add(other.server.get(), EPOLLIN);
  char buffer[1024];
  while (!stop) {
    epoll_event event{};
    if (::epoll_wait(watch.fd(), &event, 1, int(silence.count()) / 4) != 1) continue;
    const ssize_t count = ::recv(event.data.fd, buffer, sizeof buffer, 0);
    if (count <= 0) return;
    ::send(event.data.fd, buffer, std::size_t(count), MSG_NOSIGNAL);
  }
}

void observe_blocking_sockets(Context&, Evidence& seen) {
  constexpr std::size_t message = std::size_t{8} * 1024;
  const Connection one = tcp_connection(small_buffers);
  const Connection other = tcp_connection(small_buffers);
  std::atomic<bool> stop = false;
  const Background server([&] { serve(one, other, stop); },
                          [&] {
                            stop = true;
                            ::shutdown(one.server.get(), SHUT_RDWR);
                            ::shutdown(other.server.get(), SHUT_RDWR);
                          });
  const auto echoes = [&](const Connection& peer, std::chrono::milliseconds limit) {
    const int client = peer.client.get();
    return write_now(client, message) == std::ptrdiff_t{message} &&
           eventually([&] { return unread(client) == message; }, limit);
  };
  seen.note("one_echoed", "8 KB come back to one peer", echoes(one, patience));
  take(one.client.get(), unread(one.client.get()));
  seen.note("other_echoed", "8 KB come back to another", echoes(other, patience));
  take(other.client.get(), unread(other.client.get()));
  seen.note("unread_sent_bytes", "bytes sent without reading", fill(one.client.get()));
  seen.note("other_echoed_beside", "8 KB come back beside it", echoes(other, 5 * silence));
  const bool goes_on = eventually([&] {
    static_cast<void>(read_now(one.client.get(), message));
    return unread(other.client.get()) == message;
  });
  seen.note("other_echoed_later", "they do once the first peer reads", goes_on);
}

// Nothing is read, so that only arrivals make edges.
void observe_chunks(Context&, Evidence& seen) {
  on_pipe_and_tcp([&](const std::string& on, int from, int to) {
    Watch edge(to, EPOLLIN | EPOLLET);
    const auto events = [&] {
      int count = 0;
      while (edge.wait(silence) != 0) ++count;
      return count;
    };
    int apart = 0;
    for (int i = 0; i < 5; ++i) {
      deliver(from, to, 10);
      apart += events();
    }
    seen.note(on + "_apart_events", on + ": events, asked for after each of 5 chunks", apart);
    for (int i = 0; i < 5; ++i) deliver(from, to, 10);
    seen.note(on + "_together_events", on + ": events, asked for after all 5 chunks", events());
  });
}

}  // namespace

std::span<const Test> edge_tests() noexcept {
  static constexpr std::array all{
      Test{"lt-again-et-once", observe_both_modes},
      Test{"et-needs-nonblocking", observe_blocking_socket},
      Test{"et-single-read-stalls", observe_single_read},
      Test{"short-read-is-drained", observe_short_read},
      Test{"et-several-events", observe_chunks},
      Test{"lt-works-blocking", observe_blocking_sockets},
  };
  return all;
}

}  // namespace echomux::claims
