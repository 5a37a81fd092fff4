// Beside how many idle connections does a request cost what? The same servers, the same ten active
// connections, and only the number of silent ones changes.
#include <fmt/core.h>

#include "claims/all_claims.hpp"
#include "claims/support/comparison.hpp"
#include "claims/support/shared.hpp"
#include "harness/text/number_text.hpp"

namespace echomux::claims {
namespace idle_scaling_claim {

constexpr double far_less = 2;
constexpr double less = 1.25;

void observe(Laboratory& laboratory, Evidence& evidence) {
  keep(evidence, cost_beside_idle(laboratory),
       {"idle_few", "idle_many", "cpu_us_epoll_lt_none", "cpu_us_epoll_lt_few",
        "cpu_us_epoll_lt_many", "cpu_us_poll_none", "cpu_us_poll_few", "cpu_us_poll_many",
        "cpu_us_select_none", "cpu_us_select_few", "cpu_us_select_many"});
}

Finding decide(const Evidence& evidence) {
  const auto over_epoll = [&](const std::string& server, const std::string& beside) {
    return evidence.ratio("cpu_us_" + server + beside, "cpu_us_epoll_lt" + beside);
  };
  const MedianInterval poll = over_epoll("poll", "_many");
  const MedianInterval select = over_epoll("select", "_many");
  const MedianInterval none_poll = over_epoll("poll", "_none");
  const MedianInterval none_select = over_epoll("select", "_none");
  const std::string seen = fmt::format(
      "beside {} idle connections a request costs poll {} and select {} what it costs epoll; "
      "beside "
      "{} {} and {}; beside none {} and {}",
      reader_number(evidence.value("idle_many")), times(poll), times(select),
      reader_number(evidence.value("idle_few")), times(over_epoll("poll", "_few")),
      times(over_epoll("select", "_few")), times(none_poll), times(none_select));
  const auto both = [&](double material, Standing wanted) {
    return standing(poll, material) == wanted && standing(select, material) == wanted;
  };
  if (both(far_less, Standing::dearer)) {
    const bool always = standing(none_poll, far_less) == Standing::dearer ||
                        standing(none_select, far_less) == Standing::dearer;
    if (!always) return {Verdict::holds, seen};
    return {Verdict::holds_within_limits,
            seen + ": far less, but not because of the idle connections, for without them too"};
  }
  if (both(less, Standing::dearer)) {
    return {Verdict::holds_within_limits, seen + ": less, but not less than half"};
  }
  const auto gains = [](const MedianInterval& ratio) { return !surely_below(ratio, less); };
  if (!gains(poll) && !gains(select)) return {Verdict::refuted, seen};
  if (!gains(poll) || !gains(select)) {
    return {Verdict::holds_within_limits, seen + ": less than one of the two only"};
  }
  return cannot_tell(seen);
}

}  // namespace idle_scaling_claim

Claim idle_scaling() {
  return {
      .id = "idle-scaling",
      .sentence =
          "With many idle connections and few active ones epoll uses far less CPU than select and "
          "poll",
      .sources = "000 002 003 (there \"untested\") 004",
      .method =
          "ten connections send 1,000 messages per second in all to servers that hold no, 100 and "
          "1,000 silent ones besides; the servers' CPU per request, in nine rounds in turn",
      .decision =
          "far less is at most half, surely less (the 95 % interval of the ratio excludes 1) than "
          "both, and it must not be so without idle connections too, or they aren't the reason; "
          "within limits when it is less by a quarter at least, or less than one of the two only",
      .observe = idle_scaling_claim::observe,
      .decide = idle_scaling_claim::decide};
}

}  // namespace echomux::claims
