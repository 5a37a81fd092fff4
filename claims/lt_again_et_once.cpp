// The example of epoll(7): half of what came is read. Is the rest reported?
#include <fmt/core.h>

#include <string>

#include "claims/all_claims.hpp"
#include "claims/support/watch.hpp"

namespace echomux::claims {
namespace lt_again_et_once_claim {

constexpr std::size_t half = 1024;

// Both modes watch the same end, each from an epoll instance of its own.
void observe_stream(Evidence& evidence, const std::string& stream, int from, int to) {
  Watch level(to, EPOLLIN);
  Watch edge(to, EPOLLIN | EPOLLET);
  deliver(from, to, 2 * half);
  note_events(evidence, stream + "_lt_first", stream + ", 2 KB came, LT", level.wait(patience));
  note_events(evidence, stream + "_et_first", stream + ", 2 KB came, ET", edge.wait(patience));
  take(to, half);
  evidence.note(stream + "_unread_bytes", stream + ", left to read", double(unread(to)));
  note_events(evidence, stream + "_lt_again", stream + ", 1 KB was read, LT at once", level.wait());
  note_events(evidence, stream + "_et_again", stream + ", 1 KB was read, ET for a while",
              edge.wait(silence));
  deliver(from, to, 1);
  note_events(evidence, stream + "_et_more", stream + ", one byte more came, ET",
              edge.wait(patience));
}

void observe(Laboratory&, Evidence& evidence) {
  const Pipe pipe;
  observe_stream(evidence, "pipe", pipe.write_end.get(), pipe.read_end.get());
  const Connection tcp = tcp_connection();
  observe_stream(evidence, "tcp", tcp.client.get(), tcp.server.get());
}

Finding decide(const Evidence& seen) {
  int as_said = 0;
  std::string details;
  for (const std::string stream : {"pipe", "tcp"}) {
    const auto reported = [&](const char* what) { return events(seen, stream + what) != 0; };
    if (!reported("_lt_first") || !reported("_et_first") ||
        seen.value(stream + "_unread_bytes") != half) {
      return {Verdict::not_testable_here,
              fmt::format("{}: what came wasn't reported even once, or not half of it was left",
                          stream)};
    }
    const bool lt_again = reported("_lt_again");
    const bool et_again = reported("_et_again");
    as_said += lt_again && !et_again ? 1 : 0;
    details += fmt::format("{}{}: LT {} again, ET {}", details.empty() ? "" : "; ", stream,
                           lt_again ? "reported the unread half" : "did not report",
                           et_again               ? "reported it too"
                           : reported("_et_more") ? "stayed silent until a byte more came"
                                                  : "stayed silent even when a byte more came");
  }
  if (as_said == 2) return {Verdict::holds, details};
  return {as_said == 1 ? Verdict::holds_within_limits : Verdict::refuted, details};
}

}  // namespace lt_again_et_once_claim

Claim lt_again_et_once() {
  return {.id = "lt-again-et-once",
          .sentence = "2 KB in a pipe, 1 KB read: LT reports again at once, ET waits",
          .sources = "003 001",
          .method =
              "2 KB are written, half is read, and epoll_wait is called again with LT and "
              "with ET; in a pipe and over a TCP connection; then one byte more is written.",
          .decision =
              "Holds if on both, LT reports again at once and ET doesn't for 60 ms; within "
              "limits if on one only; refuted if on neither. It can only be told where the "
              "first arrival was reported at all.",
          .observe = lt_again_et_once_claim::observe,
          .decide = lt_again_et_once_claim::decide};
}

}  // namespace echomux::claims
