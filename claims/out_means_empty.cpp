// What is still in the output buffer when EPOLLOUT is reported?
#include <fmt/core.h>

#include "claims/all_claims.hpp"
#include "claims/support/watch.hpp"

namespace echomux::claims {
namespace out_means_empty_claim {

constexpr int small_buffers = 64 * 1024;

// The receiver doesn't read, so that what it can't hold stays in the sender's buffer.
void observe(Laboratory&, Evidence& evidence) {
  const Connection connection = tcp_connection(small_buffers);
  const int sender = connection.client.get();
  Watch watch(sender, EPOLLOUT);
  note_events(evidence, "idle", "nothing sent yet", watch.wait());

  std::size_t sent = 0;
  std::size_t queued = 0;
  while (queued == 0 && watch.wait(silence) != 0) {
    sent += static_cast<std::size_t>(std::max<std::ptrdiff_t>(write_now(sender, 4096), 0));
    // On its way is not in the buffer for long; what stays, stays there.
    if (!eventually([&] { return unacknowledged(sender) == 0; }, silence)) {
      queued = unacknowledged(sender);
    }
  }
  evidence.note("partly_queued_bytes", "in the output buffer, partly filled", double(queued));
  note_events(evidence, "partly", "then", watch.wait());

  sent += fill(sender);
  const std::size_t full = unacknowledged(sender);
  evidence.note("full_queued_bytes", "in the output buffer, full", double(full));
  note_events(evidence, "full", "then", watch.wait(silence));

  std::size_t read = 0;
  while (watch.wait(silence / 10) == 0 && read < sent) {
    const std::ptrdiff_t now = read_now(connection.server.get(), 1024);
    if (now > 0) read += static_cast<std::size_t>(now);
  }
  evidence.note("again_queued_bytes", "in the output buffer when EPOLLOUT came back",
                double(unacknowledged(sender)));
  note_events(evidence, "again", "then", watch.wait());
}

Finding decide(const Evidence& seen) {
  const auto writable = [&](const char* name) { return (events(seen, name) & EPOLLOUT) != 0; };
  if (!writable("idle") || writable("full") || !writable("again")) {
    return {Verdict::not_testable_here,
            "the buffer was never full, or EPOLLOUT didn't come at all"};
  }
  const double partly = seen.value("partly_queued_bytes");
  const double full = seen.value("full_queued_bytes");
  const double again = seen.value("again_queued_bytes");
  const bool early = partly > 0 && writable("partly");
  const std::string details = fmt::format(
      "EPOLLOUT was {}reported with {} bytes in the buffer; after it had been full with {}, "
      "EPOLLOUT came back when {} were left ({:.0f} %)",
      writable("partly") ? "" : "not ", partly, full, again, 100 * again / full);
  if (early && again > 0) return {Verdict::refuted, details + ": it means that there is room"};
  return {early || again > 0 ? Verdict::holds_within_limits : Verdict::holds, details};
}

}  // namespace out_means_empty_claim

Claim out_means_empty() {
  return {.id = "out-means-empty",
          .sentence = "EPOLLOUT means that the output buffer is empty",
          .sources = "001",
          .method =
              "Over TCP to a peer that doesn't read, the output buffer is filled partly and "
              "then wholly, as SIOCOUTQ tells, and the peer then reads 1 KB at a time until "
              "EPOLLOUT comes back.",
          .decision =
              "Holds if EPOLLOUT is only reported with nothing in the buffer; refuted if it "
              "is with something in it both before it was full and when it came back; "
              "within limits if in one of the two.",
          .observe = out_means_empty_claim::observe,
          .decide = out_means_empty_claim::decide};
}

}  // namespace echomux::claims
