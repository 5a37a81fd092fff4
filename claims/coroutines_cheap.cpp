// What does it cost to write a server with coroutines? The same server with them and without.
#include <fmt/core.h>

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "claims/all_claims.hpp"
#include "claims/support/bench.hpp"
#include "claims/support/comparison.hpp"
#include "harness/text/number_text.hpp"

namespace echomux::claims {
namespace coroutines_cheap_claim {

constexpr double material = 1.1;

void observe(Laboratory& laboratory, Evidence& evidence) {
  const Bench bench(laboratory);
  const std::vector<std::string> servers{"epoll_lt", "coroutines"};
  std::map<std::string, std::vector<double>> cpu_us;
  bench.in_turn(
      servers.size(),
      [&](std::size_t i) {
        laboratory.progress("requests to " + servers[i]);
        const Measurement measured = measure(bench.command(servers[i]), short_load(50));
        cpu_us[servers[i]].push_back(measured.complete_cost().cpu_us_per_request);
      },
      many_rounds);
  Load crowd = short_load(10);
  crowd.idle_connections = bench.as_many_as_possible(4000, 1);
  std::map<std::string, std::vector<double>> bytes;
  bench.in_turn(servers.size(), [&](std::size_t i) {
    laboratory.progress("memory of " + servers[i]);
    const Measurement measured = measure(bench.command(servers[i]), crowd);
    const auto& each = measured.complete_cost().resident_bytes_per_connection;
    if (!each) throw std::runtime_error("too few connections to divide memory by");
    bytes[servers[i]].push_back(*each);
  });
  for (const std::string& server : servers) {
    evidence.measure("cpu_us_" + server, fmt::format("CPU per request of {}, 50 active", server),
                     cpu_us[server]);
    evidence.measure("bytes_" + server,
                     fmt::format("resident memory of {} per idle connection", server),
                     bytes[server]);
  }
}

Finding decide(const Evidence& evidence) {
  const MedianInterval cpu = evidence.ratio("cpu_us_coroutines", "cpu_us_epoll_lt");
  const MedianInterval memory = evidence.ratio("bytes_coroutines", "bytes_epoll_lt");
  const std::string seen = fmt::format(
      "a request costs a server of coroutines {} the CPU of one without, and an idle connection {} "
      "bytes of its memory instead of {}, for its frame lies there",
      times(cpu), reader_number(evidence.value("bytes_coroutines")),
      reader_number(evidence.value("bytes_epoll_lt")));
  if (surely_above(cpu, material)) return {Verdict::refuted, seen};
  if (!surely_below(cpu, material)) return cannot_tell(seen);
  if (surely_below(memory, material)) return {Verdict::holds, seen};
  if (surely_above(memory, material)) return {Verdict::holds_within_limits, seen};
  return cannot_tell(seen);
}

}  // namespace coroutines_cheap_claim

Claim coroutines_cheap() {
  return {.id = "coroutines-cheap",
          .sentence = "Coroutines make asynchronous code read as synchronous, at little cost",
          .sources = "002",
          .method =
              "coroutines against epoll_lt, which waits in the same way: CPU per request of 50 "
              "connections that always ask, in 41 rounds in turn, and resident memory per "
              "connection beside 4,000 idle ones, in nine. How the code reads is seen in "
              "beyond/coroutines.",
          .decision =
              "little is at most a tenth more. It holds when CPU and memory both stay "
              "within that (the whole 95 % interval), within limits when memory surely takes "
              "more, and is refuted when CPU surely does",
          .observe = coroutines_cheap_claim::observe,
          .decide = coroutines_cheap_claim::decide};
}

}  // namespace echomux::claims
