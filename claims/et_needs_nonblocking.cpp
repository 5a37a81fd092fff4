// Can a blocking socket be watched edge-triggered?
#include <sys/socket.h>

#include "claims/all_claims.hpp"
#include "claims/support/background.hpp"
#include "claims/support/watch.hpp"

namespace echomux::claims {
namespace et_needs_nonblocking_claim {

constexpr std::size_t message = 3000;

void release(const Connection& connection) {
  ::shutdown(connection.server.get(), SHUT_RDWR);
}

// The usual loop of an edge-triggered server, on a blocking socket: read until there is no more.
void observe_drain(Evidence& evidence) {
  const Connection connection = tcp_connection();
  Watch edge(connection.server.get(), EPOLLIN | EPOLLET);
  deliver(connection.client.get(), connection.server.get(), message);
  note_events(evidence, "blocking_events", "ET, a blocking socket with data", edge.wait(patience));
  const Background drain(
      [&] {
        char buffer[1024];
        while (::recv(connection.server.get(), buffer, sizeof buffer, 0) > 0) {
        }
      },
      [&] { release(connection); });
  evidence.note("drain_blocked", "the drain loop with blocking reads sleeps, all data taken",
                drain.falls_asleep() && unread(connection.server.get()) == 0);
}

// The same loop and the same socket, but each call says that it won't wait.
void observe_dontwait(Evidence& evidence) {
  const Connection connection = tcp_connection();
  Watch edge(connection.server.get(), EPOLLIN | EPOLLET);
  std::size_t read = 0;
  int edges = 0;
  for (int i = 0; i < 2; ++i) {
    deliver(connection.client.get(), connection.server.get(), message);
    if (edge.wait(patience) == 0) continue;
    ++edges;
    for (std::ptrdiff_t now = 0; (now = read_now(connection.server.get(), 1024)) > 0;) {
      read += static_cast<std::size_t>(now);
    }
  }
  evidence.note("dontwait_edges", "edges seen when two messages were drained with MSG_DONTWAIT",
                edges);
  evidence.note("dontwait_read_bytes", "and the bytes read", double(read));
}

void observe(Laboratory&, Evidence& evidence) {
  observe_drain(evidence);
  observe_dontwait(evidence);
}

Finding decide(const Evidence& seen) {
  if (events(seen, "blocking_events") == 0) {
    return {Verdict::holds, "a blocking socket was never reported edge-triggered"};
  }
  const bool dontwait_works =
      seen.value("dontwait_edges") == 2 && seen.value("dontwait_read_bytes") == 2 * message;
  if (!seen.yes("drain_blocked")) {
    return {Verdict::refuted, "a blocking socket was drained without blocking"};
  }
  if (!dontwait_works) {
    return {Verdict::holds,
            "reading until nothing is left put the thread to sleep, and "
            "MSG_DONTWAIT didn't help"};
  }
  return {Verdict::holds_within_limits,
          "the kernel reports a blocking socket all the same, but reading until nothing is left "
          "put the thread to sleep; with MSG_DONTWAIT on each call the blocking socket served: it "
          "is the calls that must not block"};
}

}  // namespace et_needs_nonblocking_claim

Claim et_needs_nonblocking() {
  return {.id = "et-needs-nonblocking",
          .sentence = "Edge triggering needs non-blocking sockets",
          .sources = "003",
          .method =
              "A blocking socket is watched with EPOLLET. A thread reads all that has come, "
              "until there is no more; then the same with MSG_DONTWAIT on each call.",
          .decision =
              "Holds if the thread falls asleep in the read after the last and there is no "
              "way around; within limits if non-blocking calls on a blocking socket do; "
              "refuted if the loop doesn't block.",
          .observe = et_needs_nonblocking_claim::observe,
          .decide = et_needs_nonblocking_claim::decide};
}

}  // namespace echomux::claims
