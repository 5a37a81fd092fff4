// Is every chunk an edge?
#include <fmt/core.h>

#include <string>

#include "claims/all_claims.hpp"
#include "claims/support/watch.hpp"

namespace echomux::claims {
namespace et_several_events_claim {

constexpr int chunks = 5;

// Nothing is read, so that only arrivals make edges.
void observe_stream(Evidence& evidence, const std::string& stream, int from, int to) {
  Watch edge(to, EPOLLIN | EPOLLET);
  int apart = 0;
  for (int i = 0; i < chunks; ++i) {
    deliver(from, to, 10);
    while (edge.wait(silence) != 0) ++apart;
  }
  evidence.note(stream + "_apart_events", stream + ": events, asked for after each of 5 chunks",
                apart);
  for (int i = 0; i < chunks; ++i) deliver(from, to, 10);
  int together = 0;
  while (edge.wait(silence) != 0) ++together;
  evidence.note(stream + "_together_events", stream + ": events, asked for after all 5 chunks",
                together);
}

void observe(Laboratory&, Evidence& evidence) {
  const Pipe pipe;
  observe_stream(evidence, "pipe", pipe.write_end.get(), pipe.read_end.get());
  const Connection tcp = tcp_connection();
  observe_stream(evidence, "tcp", tcp.client.get(), tcp.server.get());
}

Finding decide(const Evidence& seen) {
  bool apart = true;
  bool together = true;
  std::string details;
  for (const std::string stream : {"pipe", "tcp"}) {
    const double events_apart = seen.value(stream + "_apart_events");
    const double events_together = seen.value(stream + "_together_events");
    if (events_apart == 0 && events_together == 0) {
      return {Verdict::not_testable_here, stream + ": no chunk was ever reported"};
    }
    apart = apart && events_apart > 1;
    together = together && events_together > 1;
    details += fmt::format(
        "{}{}: {} chunks made {} events when asked for after each, {} when "
        "asked for after all",
        details.empty() ? "" : "; ", stream, chunks, events_apart, events_together);
  }
  if (!apart) return {Verdict::refuted, details};
  return {together ? Verdict::holds : Verdict::holds_within_limits,
          details + (together ? "" : ": what comes between two waits is one event")};
}

}  // namespace et_several_events_claim

Claim et_several_events() {
  return {.id = "et-several-events",
          .sentence = "Several chunks of data make several events, even under ET",
          .sources = "003",
          .method =
              "Five chunks are sent through a pipe and over TCP, and none is read: once with "
              "epoll_wait called after each, once only after all five.",
          .decision =
              "Holds if both give more than one event; within limits if only chunks with "
              "a wait between them do; refuted if not even those.",
          .observe = et_several_events_claim::observe,
          .decide = et_several_events_claim::decide};
}

}  // namespace echomux::claims
