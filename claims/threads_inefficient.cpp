// In what is a thread per connection inefficient: the CPU of a request, the CPU of a connection, or
// memory?
#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "claims/all_claims.hpp"
#include "claims/support/comparison.hpp"
#include "claims/support/shared.hpp"
#include "harness/text/number_text.hpp"

namespace echomux::claims {
namespace threads_inefficient_claim {

constexpr double material_cpu = 1.25;
constexpr double material_memory = 2;

void observe(Laboratory& laboratory, Evidence& evidence) {
  keep(evidence, cost_beside_idle(laboratory),
       {"idle_many", "cpu_us_threaded_none", "cpu_us_epoll_lt_none", "cpu_us_threaded_many",
        "cpu_us_epoll_lt_many"});
  keep(evidence, reconnect_costs(laboratory),
       {"cpu_us_threaded_lasting", "cpu_us_epoll_lt_lasting", "cpu_us_threaded_anew",
        "cpu_us_epoll_lt_anew"});
  keep(evidence, connection_memory(laboratory),
       {"server_bytes_threaded", "server_bytes_epoll_lt", "all_bytes_threaded",
        "all_bytes_epoll_lt"});
}

Finding decide(const Evidence& evidence) {
  const auto over_epoll = [&](const std::string& what, const std::string& of) {
    return evidence.ratio(what + "_threaded" + of, what + "_epoll_lt" + of);
  };
  const MedianInterval none = over_epoll("cpu_us", "_none");
  const MedianInterval many = over_epoll("cpu_us", "_many");
  const MedianInterval busy = over_epoll("cpu_us", "_lasting");
  const MedianInterval anew = over_epoll("cpu_us", "_anew");
  const MedianInterval memory = over_epoll("all_bytes", "");
  const std::string seen = fmt::format(
      "over epoll_lt, a thread per connection takes {} the CPU of a request that comes now and "
      "then "
      "({} beside {} idle connections), {} when ten peers always ask, {} when each message has a "
      "connection of its own, and {} the memory of an idle connection with all of the kernel's; a "
      "process per connection isn't tested",
      times(none), times(many), reader_number(evidence.value("idle_many")), times(busy),
      times(anew), times(memory));
  struct Aspect {
    const MedianInterval& ratio;
    double material;
  };
  const std::array aspects{Aspect{none, material_cpu}, Aspect{many, material_cpu},
                           Aspect{busy, material_cpu}, Aspect{anew, material_cpu},
                           Aspect{memory, material_memory}};
  const auto dearer = static_cast<std::size_t>(std::ranges::count_if(
      aspects, [](const Aspect& a) { return standing(a.ratio, a.material) == Standing::dearer; }));
  if (dearer == aspects.size()) return {Verdict::holds, seen};
  if (dearer > 0) {
    return {Verdict::holds_within_limits,
            fmt::format("{}: surely in {} of these {} ways", seen, dearer, aspects.size())};
  }
  const bool nowhere = std::ranges::all_of(
      aspects, [](const Aspect& a) { return surely_below(a.ratio, a.material); });
  return nowhere ? Finding{Verdict::refuted, seen} : cannot_tell(seen);
}

}  // namespace threads_inefficient_claim

Claim threads_inefficient() {
  return {
      .id = "threads-inefficient",
      .sentence = "A thread (or a process) per connection is inefficient",
      .sources = "004",
      .method =
          "threaded against epoll_lt on one CPU: CPU per request on ten connections, 1,000 "
          "messages per second in all, beside none and 1,000 idle ones; CPU per request when ten "
          "always ask, on lasting connections and on new ones; memory per idle connection; nine "
          "rounds of each",
      .decision =
          "inefficient is a quarter more CPU, or twice the memory, surely more. It holds when that "
          "is so in all five ways, within limits in some of them, and is refuted when it is surely "
          "so in none",
      .observe = threads_inefficient_claim::observe,
      .decide = threads_inefficient_claim::decide};
}

}  // namespace echomux::claims
