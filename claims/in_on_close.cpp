// What is reported to somebody who waits for data when the peer goes?
#include <fmt/core.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>

#include "claims/all_claims.hpp"
#include "claims/support/watch.hpp"
#include "echo/system_call.hpp"

namespace echomux::claims {
namespace in_on_close_claim {

// Looks before and after `go`, and what a read says then: 0 for the end, an errno, negative.
template <typename Go>
void observe_end(Evidence& evidence, const std::string& name, const std::string& what, int fd,
                 Go go) {
  Watch watch(fd, EPOLLIN);
  note_events(evidence, name + "_before", what + ", before", watch.wait());
  go();
  note_events(evidence, name, what, watch.wait(patience));
  evidence.note(name + "_read", what + ", a read returned (or -errno)", double(read_now(fd, 10)));
}

void observe(Laboratory&, Evidence& evidence) {
  Connection closed = tcp_connection();
  observe_end(evidence, "tcp_close", "TCP, the peer closed", closed.server.get(),
              [&] { closed.client.reset(); });
  const Connection ended = tcp_connection();
  observe_end(evidence, "tcp_half_close", "TCP, the peer ended its direction", ended.server.get(),
              [&] { check(::shutdown(ended.client.get(), SHUT_WR), "shutdown"); });
  Connection broken = tcp_connection();
  observe_end(evidence, "tcp_reset", "TCP, the peer reset", broken.server.get(),
              [&] { reset(broken.client); });
  Connection local = unix_connection(SOCK_STREAM);
  observe_end(evidence, "unix_close", "a Unix socket, the peer closed", local.server.get(),
              [&] { local.client.reset(); });
  Pipe pipe;
  observe_end(evidence, "pipe_close", "a pipe, the writer closed", pipe.read_end.get(),
              [&] { pipe.write_end.reset(); });
}

Finding decide(const Evidence& seen) {
  const auto in = [&](const std::string& name) { return (events(seen, name) & EPOLLIN) != 0; };
  for (const std::string name : {"tcp_close", "tcp_half_close", "unix_close"}) {
    if (in(name + "_before") || seen.value(name + "_read") != 0) {
      return {Verdict::not_testable_here, name + ": readable before, or no end of the stream"};
    }
  }
  const std::string aside = fmt::format("; a reset brought {}, and the end of a pipe's writer {}",
                                        events_in_words(events(seen, "tcp_reset")),
                                        events_in_words(events(seen, "pipe_close")));
  if (!in("tcp_close")) {
    return {Verdict::refuted, "a TCP peer's close did not bring EPOLLIN" + aside};
  }
  if (!in("tcp_half_close") || !in("unix_close")) {
    return {Verdict::holds_within_limits,
            "a TCP peer's close brought EPOLLIN, but not the end of "
            "one direction, or a Unix socket's close" +
                aside};
  }
  return {Verdict::holds,
          "a peer's close, and the end of its direction, brought EPOLLIN, and the "
          "read then returned 0" +
              aside};
}

}  // namespace in_on_close_claim

Claim in_on_close() {
  return {.id = "in-on-close",
          .sentence = "EPOLLIN is reported when the peer closes in order",
          .sources = "003",
          .method =
              "Sockets are watched for EPOLLIN while a TCP peer closes, ends its direction or "
              "resets, and a Unix socket's peer closes; and a pipe whose writer closes.",
          .decision =
              "Refuted if a TCP peer's close doesn't bring EPOLLIN; within limits if its "
              "half-close or a Unix socket's close doesn't; else it holds. A reset is no "
              "close in order and a pipe no socket: they are told beside it.",
          .observe = in_on_close_claim::observe,
          .decide = in_on_close_claim::decide};
}

}  // namespace echomux::claims
