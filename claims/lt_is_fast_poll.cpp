// Does level-triggered epoll report what poll reports, and is it faster: with few and with many
// watched, with few and with many ready?
#include <fmt/core.h>
#include <sys/socket.h>

#include "claims/all_claims.hpp"
#include "claims/support/comparison.hpp"
#include "claims/support/shared.hpp"
#include "reproduce/waits.hpp"

namespace echomux::claims {
namespace lt_is_fast_poll_claim {

constexpr double material = 1.25;

// How many of three waits report a socket of whose two bytes one is read after the first wait, and
// the other after the second.
template <typename Wait>
int times_reported() {
  const micro::Watched watched(micro::Kind::socket_pair, 1);
  Wait wait(watched);
  check(::send(watched.writers()[0].get(), "ab", 2, MSG_NOSIGNAL), "send");
  int reported = 0;
  for (int turn = 0; turn < 3; ++turn) {
    reported += wait.wait(false);
    char byte = 0;
    if (turn < 2) check(::recv(watched.readers()[0].get(), &byte, 1, 0), "recv");
  }
  return reported;
}

void observe(Laboratory& laboratory, Evidence& evidence) {
  evidence.note("reported_poll", "waits of poll, of three, that report what isn't read up",
                times_reported<micro::PollWait>());
  evidence.note("reported_lt", "the same of epoll, level-triggered",
                times_reported<micro::EpollLtWait>());
  evidence.note("reported_et", "the same of epoll, edge-triggered",
                times_reported<micro::EpollEtWait>());
  keep(evidence, wait_costs(laboratory),
       {"wait_us_poll_1_1", "wait_us_epoll_1_1", "wait_us_poll_10_1", "wait_us_epoll_10_1",
        "wait_us_poll_1000_1", "wait_us_epoll_1000_1", "wait_us_poll_1000_1000",
        "wait_us_epoll_1000_1000"});
}

Finding decide(const Evidence& evidence) {
  const auto ratio = [&](const std::string& place) {
    return evidence.ratio("wait_us_epoll_" + place, "wait_us_poll_" + place);
  };
  const MedianInterval lone = ratio("1_1");
  const MedianInterval many = ratio("1000_1");
  const MedianInterval all_ready = ratio("1000_1000");
  const bool same = evidence.value("reported_lt") == evidence.value("reported_poll");
  const std::string seen = fmt::format(
      "half-read data is reported by {} of three waits of poll and by {} of epoll; a wait of epoll "
      "costs {} what poll's does with one watched, {} with 10, {} with 1,000 of which one is "
      "ready, {} with all of 1,000 ready",
      evidence.value("reported_poll"), evidence.value("reported_lt"), times(lone),
      times(ratio("10_1")), times(many), times(all_ready));
  if (!same || surely_above(many, 1 / material)) return {Verdict::refuted, seen};
  if (!surely_below(many, 1 / material)) return cannot_tell(seen);
  if (surely_above(lone, material) || surely_above(all_ready, material)) {
    return {Verdict::holds_within_limits,
            seen + ": faster where many are watched and few are ready"};
  }
  if (!surely_below(lone, material) || !surely_below(all_ready, material)) return cannot_tell(seen);
  return {Verdict::holds, seen};
}

}  // namespace lt_is_fast_poll_claim

Claim lt_is_fast_poll() {
  return {
      .id = "lt-is-fast-poll",
      .sentence = "Level-triggered epoll is a faster poll",
      .sources = "003",
      .method =
          "two bytes of which one is read between waits, under poll and both modes of epoll; "
          "and the CPU of single waits on 1, 10 and 1,000 TCP connections, one or all of them "
          "ready, in nine rounds in turn",
      .decision =
          "a poll: it reports the same; faster: with 1,000 watched surely a fifth cheaper, and "
          "nowhere surely a quarter dearer. Within limits when it is dearer with one watched or "
          "with all ready; refuted when it reports something else or isn't cheaper with 1,000",
      .observe = lt_is_fast_poll_claim::observe,
      .decide = lt_is_fast_poll_claim::decide};
}

}  // namespace echomux::claims
