// The other end of the same measurement: what is left of epoll's advantage when nobody is idle.
#include <fmt/core.h>

#include "claims/all_claims.hpp"
#include "claims/support/comparison.hpp"
#include "claims/support/shared.hpp"
#include "harness/text/number_text.hpp"

namespace echomux::claims {
namespace few_idle_no_gain_claim {

// "Much better": half as much again.
constexpr double much = 1.5;
// Enough better to say that idle connections have begun to count.
constexpr double noticeably = 1.25;

void observe(Laboratory& laboratory, Evidence& evidence) {
  keep(evidence, cost_beside_idle(laboratory),
       {"idle_few", "cpu_us_epoll_lt_none", "cpu_us_poll_none", "cpu_us_select_none",
        "cpu_us_epoll_lt_few", "cpu_us_poll_few", "cpu_us_select_few"});
}

Finding decide(const Evidence& evidence) {
  const MedianInterval poll = evidence.ratio("cpu_us_poll_none", "cpu_us_epoll_lt_none");
  const MedianInterval select = evidence.ratio("cpu_us_select_none", "cpu_us_epoll_lt_none");
  const MedianInterval few_poll = evidence.ratio("cpu_us_poll_few", "cpu_us_epoll_lt_few");
  const MedianInterval few_select = evidence.ratio("cpu_us_select_few", "cpu_us_epoll_lt_few");
  const std::string seen = fmt::format(
      "without idle connections a request costs poll {} and select {} what it costs epoll; beside "
      "{} it is {} and {}",
      times(poll), times(select), reader_number(evidence.value("idle_few")), times(few_poll),
      times(few_select));
  if (surely_above(poll, much) && surely_above(select, much)) return {Verdict::refuted, seen};
  if (surely_above(poll, much) || surely_above(select, much)) {
    return {Verdict::holds_within_limits, seen + ": of one of the two only"};
  }
  if (!surely_below(poll, much) || !surely_below(select, much)) return cannot_tell(seen);
  // Where does "many" begin?
  if (surely_above(few_poll, noticeably) && surely_above(few_select, noticeably)) {
    return {Verdict::holds_within_limits, seen + ": so few idle connections count already"};
  }
  return {Verdict::holds, seen};
}

}  // namespace few_idle_no_gain_claim

Claim few_idle_no_gain() {
  return {
      .id = "few-idle-no-gain",
      .sentence = "Without many idle connections epoll is not much better than select or poll",
      .sources = "003",
      .method =
          "ten connections send 1,000 messages per second in all to servers that hold no other "
          "ones, and to servers that hold 100 silent ones; CPU per request, in nine rounds in "
          "turn",
      .decision =
          "much better is half as much again: more than what a request varies by from one "
          "machine or message to the next. It holds when the 95 % intervals of both ratios "
          "stay below that; only within limits when 100 idle connections, which few would "
          "call many, surely make it a quarter better; refuted when it is surely more without any",
      .observe = few_idle_no_gain_claim::observe,
      .decide = few_idle_no_gain_claim::decide};
}

}  // namespace echomux::claims
