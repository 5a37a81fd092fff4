// How does the cost of one wait grow with what is watched, and how with what is ready?
#include <fmt/core.h>

#include "claims/all_claims.hpp"
#include "claims/support/comparison.hpp"
#include "claims/support/shared.hpp"

namespace echomux::claims {
namespace order_n_order_k_claim {

// Of a tenfold number: 10 would be in proportion and 1 no growth at all.
constexpr double in_proportion = 5;
constexpr double flat = 2;

void observe(Laboratory& laboratory, Evidence& evidence) {
  keep(evidence, wait_costs(laboratory),
       {"wait_us_select_10_1", "wait_us_select_100_1", "wait_us_select_1000_1",
        "wait_us_select_1000_100", "wait_us_select_1000_1000", "wait_us_poll_10_1",
        "wait_us_poll_100_1", "wait_us_poll_1000_1", "wait_us_poll_1000_100",
        "wait_us_poll_1000_1000", "wait_us_epoll_10_1", "wait_us_epoll_100_1",
        "wait_us_epoll_1000_1", "wait_us_epoll_1000_100", "wait_us_epoll_1000_1000"});
}

Finding decide(const Evidence& evidence) {
  const auto growth = [&](const std::string& mechanism, const char* to, const char* from) {
    return evidence.ratio("wait_us_" + mechanism + to, "wait_us_" + mechanism + from);
  };
  const MedianInterval select_n = growth("select", "_1000_1", "_100_1");
  const MedianInterval poll_n = growth("poll", "_1000_1", "_100_1");
  const MedianInterval epoll_n = growth("epoll", "_1000_1", "_100_1");
  const MedianInterval epoll_k = growth("epoll", "_1000_1000", "_1000_100");
  const std::string seen = fmt::format(
      "ten times as many watched (100 to 1,000, one ready) make a wait of select {}, of poll {}, "
      "of "
      "epoll {} as dear; ten times as many ready (100 to 1,000) make epoll's {} as dear, and "
      "poll's "
      "{}; from 10 to 100 watched it is poll's {}",
      times(select_n), times(poll_n), times(epoll_n), times(epoll_k),
      times(growth("poll", "_1000_1000", "_1000_100")), times(growth("poll", "_100_1", "_10_1")));
  const bool scanning_grows =
      surely_above(select_n, in_proportion) && surely_above(poll_n, in_proportion);
  const bool epoll_flat = surely_below(epoll_n, flat);
  const bool epoll_grows = surely_above(epoll_k, in_proportion);
  if (scanning_grows && epoll_flat && epoll_grows) return {Verdict::holds, seen};
  if (surely_below(select_n, flat) || surely_below(poll_n, flat) ||
      surely_above(epoll_n, in_proportion)) {
    return {Verdict::refuted, seen};
  }
  if (surely_above(select_n, flat) && surely_above(poll_n, flat) && epoll_flat) {
    return {Verdict::holds_within_limits,
            seen + ": in direction, but up to here not in proportion"};
  }
  return cannot_tell(seen);
}

}  // namespace order_n_order_k_claim

Claim order_n_order_k() {
  return {
      .id = "order-n-order-k",
      .sentence =
          "select and poll cost O(n) in the descriptors watched, epoll O(k) in the ready ones",
      .sources = "004",
      .method =
          "single waits on TCP connections of this process, 10, 100 and 1,000 watched with one "
          "ready, and 100 and 1,000 of 1,000 ready; CPU of the wait alone, in nine rounds in "
          "turn",
      .decision =
          "ten times as many is in proportion when the wait becomes surely more than five times "
          "as dear, a fixed part being allowed for, and flat when it surely stays below twice. "
          "It holds when select and poll are in proportion to what is watched, epoll flat in it "
          "and in proportion to what is ready; refuted when one of the first two is flat or "
          "epoll in proportion to what is watched",
      .observe = order_n_order_k_claim::observe,
      .decide = order_n_order_k_claim::decide};
}

}  // namespace echomux::claims
