// What does EPOLLRDHUP tell, and what for?
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "claims/all_claims.hpp"
#include "claims/support/watch.hpp"
#include "echo/system_call.hpp"

namespace echomux::claims {
namespace rdhup_claim {

void await_end(int server) {
  await("the end had arrived", [&] { return tcp_state(server) == TCP_CLOSE_WAIT; });
}

void observe_half_close(Evidence& evidence) {
  const Connection connection = tcp_connection();
  const int server = connection.server.get();
  Watch level(server, EPOLLIN | EPOLLRDHUP);
  Watch edge(server, EPOLLIN | EPOLLRDHUP | EPOLLET);
  Watch not_asked(server, EPOLLIN);
  deliver(connection.client.get(), server, 10);
  note_events(evidence, "open", "the peer sent data, LT", level.wait(patience));
  static_cast<void>(edge.wait(patience));
  take(server, 10);
  check(::shutdown(connection.client.get(), SHUT_WR), "shutdown");
  await_end(server);
  note_events(evidence, "half_close_lt", "the peer ended its direction, LT", level.wait(patience));
  note_events(evidence, "half_close_et", "the peer ended its direction, ET", edge.wait(patience));
  note_events(evidence, "half_close_not_asked", "the same without asking for EPOLLRDHUP",
              not_asked.wait(patience));
}

// Data and the end in one edge: what a loop that stops after a short read must know.
void observe_data_with_end(Evidence& evidence) {
  const Connection connection = tcp_connection();
  const int server = connection.server.get();
  Watch edge(server, EPOLLIN | EPOLLRDHUP | EPOLLET);
  deliver(connection.client.get(), server, 10);
  check(::shutdown(connection.client.get(), SHUT_WR), "shutdown");
  await_end(server);
  note_events(evidence, "data_and_end", "data and the end together, ET", edge.wait(patience));
  static_cast<void>(read_now(server, 100));
  note_events(evidence, "data_and_end_again", "after one read that was short, ET",
              edge.wait(silence));
}

void observe(Laboratory&, Evidence& evidence) {
  observe_half_close(evidence);
  observe_data_with_end(evidence);
  Connection connection = tcp_connection();
  Watch level(connection.server.get(), EPOLLIN | EPOLLRDHUP);
  connection.client.reset();
  await_end(connection.server.get());
  note_events(evidence, "full_close", "the peer closed altogether, LT", level.wait(patience));
}

Finding decide(const Evidence& seen) {
  const auto tells = [&](const char* name) { return (events(seen, name) & EPOLLRDHUP) != 0; };
  if (events(seen, "open") == 0 || tells("open")) {
    return {Verdict::refuted,
            "it was reported while the peer's direction was open, or data wasn't"};
  }
  if (!tells("half_close_lt") && !tells("half_close_et")) {
    return {Verdict::refuted, "a half-close was not reported as EPOLLRDHUP"};
  }
  const std::string close = tells("full_close") ? "; a peer that closed altogether looks the same"
                                                : "; a peer that closed altogether looks different";
  if (!tells("half_close_lt") || !tells("half_close_et")) {
    return {Verdict::holds_within_limits, "a half-close was reported in one mode only" + close};
  }
  const bool useful = tells("data_and_end") && events(seen, "data_and_end_again") == 0;
  if (!useful) {
    return {Verdict::holds_within_limits,
            "a half-close was reported, but an edge with data and the end was no better for it" +
                close};
  }
  return {Verdict::holds,
          "a half-close was reported under LT and ET; when data and the end came together, the "
          "flag was in the one edge that there was, and without it a reader that stops after a "
          "short read waits for ever" +
              close};
}

}  // namespace rdhup_claim

Claim rdhup() {
  return {.id = "rdhup",
          .sentence = "EPOLLRDHUP tells of a peer's half-close, useful under ET",
          .sources = "001",
          .method =
              "A peer ends its direction with shutdown, with and without data before it, or "
              "closes; what is reported with EPOLLRDHUP asked for, under LT and ET.",
          .decision =
              "Refuted if a half-close isn't reported, or something else is; within limits "
              "if only in one mode, or if data and the end that come as one edge bear it "
              "not or make a second edge, so that it isn't needed; else it holds.",
          .observe = rdhup_claim::observe,
          .decide = rdhup_claim::decide};
}

}  // namespace echomux::claims
