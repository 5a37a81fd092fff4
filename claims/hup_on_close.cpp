// The listing waits for EPOLLHUP after the peer has closed. Does it come?
#include <fmt/core.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "claims/all_claims.hpp"
#include "claims/support/watch.hpp"
#include "echo/system_call.hpp"

namespace echomux::claims {
namespace hup_on_close_claim {

// As the listing does: read the end, then switch the interest to EPOLLHUP and wait.
void observe_close(Evidence& evidence) {
  Connection connection = tcp_connection();
  const int server = connection.server.get();
  Watch watch(server, EPOLLIN);
  connection.client.reset();
  note_events(evidence, "close", "the peer closed, EPOLLIN asked for", watch.wait(patience));
  evidence.note("close_read_bytes", "a read returned", double(read_now(server, 1024)));
  watch.change(server, EPOLLHUP);
  note_events(evidence, "after_close", "EPOLLHUP asked for, for 0.3 s", watch.wait(5 * silence));
  evidence.note("close_wait", "the connection is in CLOSE_WAIT",
                tcp_state(server) == TCP_CLOSE_WAIT);
  check(::shutdown(server, SHUT_WR), "shutdown");
  note_events(evidence, "both_ended", "after shutdown of the own direction", watch.wait(patience));
}

void observe_reset(Evidence& evidence) {
  Connection connection = tcp_connection();
  Watch watch(connection.server.get(), EPOLLHUP);
  reset(connection.client);
  note_events(evidence, "reset", "the peer reset, EPOLLHUP asked for", watch.wait(patience));
}

void observe_elsewhere(Evidence& evidence) {
  Pipe pipe;
  Watch of_pipe(pipe.read_end.get(), EPOLLHUP);
  pipe.write_end.reset();
  note_events(evidence, "pipe_close", "a pipe, the writer closed", of_pipe.wait(silence));
  Connection local = unix_connection(SOCK_STREAM);
  Watch of_local(local.server.get(), EPOLLHUP);
  local.client.reset();
  note_events(evidence, "unix_close", "a Unix socket, the peer closed", of_local.wait(silence));
}

void observe(Laboratory&, Evidence& evidence) {
  observe_close(evidence);
  observe_reset(evidence);
  observe_elsewhere(evidence);
}

Finding decide(const Evidence& seen) {
  const auto hup = [&](const char* name) { return (events(seen, name) & EPOLLHUP) != 0; };
  if (seen.value("close_read_bytes") != 0) {
    return {Verdict::not_testable_here, "the peer's close was not seen as the end of the stream"};
  }
  const std::string elsewhere = fmt::format(
      "it came after a shutdown of the own direction: {}, after a reset: {}, on a pipe: "
      "{}, on a Unix socket: {}",
      hup("both_ended") ? "yes" : "no", hup("reset") ? "yes" : "no",
      hup("pipe_close") ? "yes" : "no", hup("unix_close") ? "yes" : "no");
  if (hup("close") || hup("after_close")) {
    const bool everywhere = hup("reset") && hup("pipe_close") && hup("unix_close");
    return {everywhere ? Verdict::holds : Verdict::holds_within_limits,
            "EPOLLHUP came when a TCP peer had closed; " + elsewhere};
  }
  return {Verdict::refuted,
          fmt::format("when a TCP peer closed, {} came, and no EPOLLHUP in 0.3 s after it: the "
                      "connection stays {}; {}",
                      events_in_words(events(seen, "close")),
                      seen.yes("close_wait") ? "in CLOSE_WAIT" : "open", elsewhere)};
}

}  // namespace hup_on_close_claim

Claim hup_on_close() {
  return {.id = "hup-on-close",
          .sentence =
              "After the peer has closed, wait for EPOLLHUP to clean up (as the listing of "
              "000 does: does it come?)",
          .sources = "000",
          .method =
              "A TCP peer closes; the server reads the end and waits for EPOLLHUP as the "
              "listing does, then ends its own direction. Beside it a reset, and the close "
              "of a pipe and of a Unix socket.",
          .decision =
              "Refuted if a TCP peer's close brings no EPOLLHUP by itself within 0.3 s (an "
              "event takes microseconds); holds if it does, within limits if a reset, a "
              "pipe or a Unix socket then doesn't.",
          .observe = hup_on_close_claim::observe,
          .decide = hup_on_close_claim::decide};
}

}  // namespace echomux::claims
