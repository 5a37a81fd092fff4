// What does it cost a server that every message comes on a connection of its own?
#include <fmt/core.h>

#include "claims/all_claims.hpp"
#include "claims/support/comparison.hpp"
#include "claims/support/shared.hpp"

namespace echomux::claims {
namespace reconnect_cost_claim {

constexpr double far_more = 2;
constexpr double more = 1.25;

void observe(Laboratory& laboratory, Evidence& evidence) {
  keep(evidence, reconnect_costs(laboratory),
       {"cpu_us_epoll_lt_lasting", "cpu_us_epoll_lt_anew", "cpu_us_epoll_lt_lasting_64k",
        "cpu_us_epoll_lt_anew_64k", "cpu_us_threaded_lasting", "cpu_us_threaded_anew"});
}

Finding decide(const Evidence& evidence) {
  const auto anew = [&](const std::string& of, const std::string& size) {
    return evidence.ratio("cpu_us_" + of + "_anew" + size, "cpu_us_" + of + "_lasting" + size);
  };
  const MedianInterval small = anew("epoll_lt", "");
  const MedianInterval large = anew("epoll_lt", "_64k");
  const std::string seen = fmt::format(
      "with a connection for each message of 64 bytes a request costs epoll_lt {} the CPU of one "
      "on a lasting connection, with 64 KiB {}; threaded, which also makes a thread for each, {}",
      times(small), times(large), times(anew("threaded", "")));
  if (surely_below(small, more)) return {Verdict::refuted, seen};
  if (standing(small, far_more) == Standing::dearer) {
    if (standing(large, far_more) == Standing::dearer) return {Verdict::holds, seen};
    return {Verdict::holds_within_limits,
            seen + ": far more where messages are small, for large ones outweigh the connection"};
  }
  if (standing(small, more) == Standing::dearer) {
    return {Verdict::holds_within_limits, seen + ": more, but not twice as much"};
  }
  return cannot_tell(seen);
}

}  // namespace reconnect_cost_claim

Claim reconnect_cost() {
  return {.id = "reconnect-cost",
          .sentence = "Closing after each reply costs far more than a lasting connection",
          .sources = "000",
          .method =
              "ten clients that send again as soon as they are answered, on lasting connections or "
              "each time on a new one; 64-byte messages, and 64 KiB; the server's CPU per request "
              "for epoll_lt and threaded, in nine rounds in turn",
          .decision =
              "far more is twice as much, surely more, with small and with large messages. Within "
              "limits when it is so with small ones only, or only a quarter more; refuted when it "
              "surely stays below that with small ones",
          .observe = reconnect_cost_claim::observe,
          .decide = reconnect_cost_claim::decide};
}

}  // namespace echomux::claims
