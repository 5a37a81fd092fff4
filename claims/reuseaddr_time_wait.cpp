// Who may have a port on which a connection is still in TIME_WAIT?
#include <fmt/core.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <fstream>
#include <optional>
#include <string>

#include "claims/all_claims.hpp"
#include "claims/support/streams.hpp"
#include "echo/socket.hpp"
#include "echo/system_call.hpp"

namespace echomux::claims {
namespace reuseaddr_time_wait_claim {

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

struct Left {
  Endpoint address;
  FileDescriptor listener;  // while there is one
};

// A server on a port of its own has closed a connection first, and so keeps it in TIME_WAIT.
Left leave_time_wait(bool reuse) {
  Left left;
  left.listener = socket_with(reuse);
  const Endpoint any_port = resolve("127.0.0.1", 0);
  check(::bind(left.listener.get(), any_port.raw(), any_port.length), "bind");
  check(::listen(left.listener.get(), 1), "listen");
  left.address = local_endpoint(left.listener.get());
  const FileDescriptor client = tcp_client_of(left.listener.get());
  FileDescriptor served(check(::accept(left.listener.get(), nullptr, nullptr), "accept"));
  served.reset();
  await("the end had arrived", [&] { return tcp_state(client.get()) == TCP_CLOSE_WAIT; });
  return left;
}

void observe_old(Evidence& evidence, bool old_reuse) {
  const std::string name = old_reuse ? "old_with" : "old_without";
  const std::string old = old_reuse ? "the old server had the option" : "the old server had it not";
  Left left = leave_time_wait(old_reuse);
  if (old_reuse) {
    evidence.note("beside_listener_errno", "errno of listening with it beside a listener",
                  errno_of_listening(left.address, true));
  }
  left.listener.reset();
  // In vain where the kernel keeps as many of these as it may (tcp_max_tw_buckets). Then the port
  // is free, and says so.
  static_cast<void>(eventually([&] { return in_time_wait(left.address.port()); }));
  evidence.note(name + "_new_without_errno", old + ": errno of listening without it",
                errno_of_listening(left.address, false));
  evidence.note(name + "_new_with_errno", old + ": errno of listening with it",
                errno_of_listening(left.address, true));
}

void observe(Laboratory&, Evidence& evidence) {
  observe_old(evidence, true);
  observe_old(evidence, false);
}

Finding decide(const Evidence& seen) {
  if (seen.value("old_with_new_without_errno") != EADDRINUSE) {
    return {Verdict::not_testable_here, "TIME_WAIT kept nobody from the port even without it"};
  }
  if (seen.value("old_with_new_with_errno") != 0) {
    return {Verdict::refuted, "the port of a connection in TIME_WAIT was refused with it, too"};
  }
  const std::string limits = seen.value("beside_listener_errno") == EADDRINUSE
                                 ? "; beside a socket that listens it doesn't help"
                                 : "";
  if (seen.value("old_without_new_with_errno") != 0) {
    return {Verdict::holds_within_limits,
            "without it the port is refused with EADDRINUSE, with it a new server listens, but "
            "only where the old server had set it as well" +
                limits};
  }
  return {Verdict::holds,
          "without it the port is refused with EADDRINUSE, with it a new server "
          "listens, whether or not the old one had it" +
              limits};
}

}  // namespace reuseaddr_time_wait_claim

Claim reuseaddr_time_wait() {
  return {.id = "reuseaddr-time-wait",
          .sentence =
              "SO_REUSEADDR lets a new socket take a port whose old connections are in "
              "TIME_WAIT",
          .sources = "001",
          .method =
              "A server closes a connection first and ends, so that /proc/net/tcp shows it in "
              "TIME_WAIT; new sockets bind to its port and listen, with and without the "
              "option, after an old server with and without it; and beside one that listens.",
          .decision =
              "It can only be told if the port is refused without the option. Then refuted "
              "if refused with it as well; within limits if the old server must have had "
              "it too; else it holds.",
          .observe = reuseaddr_time_wait_claim::observe,
          .decide = reuseaddr_time_wait_claim::decide};
}

}  // namespace echomux::claims
