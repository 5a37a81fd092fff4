// When all sockets are active, is nothing lost by looking at all of them? It depends on what active
// means: all at the same time, or each now and then. Both are measured.
#include <fmt/core.h>

#include <array>
#include <vector>

#include "claims/all_claims.hpp"
#include "claims/support/bench.hpp"
#include "claims/support/comparison.hpp"
#include "harness/text/number_text.hpp"

namespace echomux::claims {
namespace all_active_claim {

constexpr double material = 1.25;
constexpr std::array servers{"select", "poll", "epoll_lt"};

void observe(Laboratory& laboratory, Evidence& evidence) {
  const Bench bench(laboratory);
  const std::size_t connections = bench.as_many_as_possible(500, 2);
  evidence.note("connections", "connections, all of them active", static_cast<double>(connections));
  std::array<std::vector<double>, servers.size()> at_once;
  std::array<std::vector<double>, servers.size()> now_and_then;
  std::array<std::vector<double>, servers.size()> ready;
  bench.in_turn(servers.size(), [&](std::size_t i) {
    laboratory.progress(fmt::format("all active: {}", servers[i]));
    ServerProcess server(bench.command(servers[i]));
    const Load busy = short_load(connections);
    const Measurement all = measure(server, busy);
    const ServerCost& cost = all.complete_cost();
    at_once[i].push_back(cost.cpu_us_per_request);
    ready[i].push_back(cost.counted_per_request("events") / cost.counted_per_request("waits"));
    Load slow = busy;
    slow.requests_per_second = 1000;
    now_and_then[i].push_back(measure(server, slow).complete_cost().cpu_us_per_request);
  });
  for (std::size_t i = 0; i < servers.size(); ++i) {
    const std::string name = servers[i];
    evidence.measure("cpu_us_" + name + "_at_once",
                     "CPU per request of " + name + ", all ask again as soon as they are answered",
                     std::move(at_once[i]));
    evidence.measure("ready_" + name + "_at_once", "descriptors that a wait of it found ready then",
                     std::move(ready[i]));
    evidence.measure("cpu_us_" + name + "_now_and_then",
                     "CPU per request of " + name + ", 1,000 messages per second over all of them",
                     std::move(now_and_then[i]));
  }
}

Finding decide(const Evidence& evidence) {
  const auto over_epoll = [&](const std::string& server, const std::string& when) {
    return evidence.ratio("cpu_us_" + server + when, "cpu_us_epoll_lt" + when);
  };
  const MedianInterval poll = over_epoll("poll", "_at_once");
  const MedianInterval select = over_epoll("select", "_at_once");
  const MedianInterval slow_poll = over_epoll("poll", "_now_and_then");
  const MedianInterval slow_select = over_epoll("select", "_now_and_then");
  const std::string seen = fmt::format(
      "with {} connections that all ask again at once, a request costs poll {} and select {} what "
      "it costs epoll; when each asks now and then, {} and {}",
      reader_number(evidence.value("connections")), times(poll), times(select), times(slow_poll),
      times(slow_select));
  if (surely_above(poll, material) && surely_above(select, material)) {
    return {Verdict::refuted, seen};
  }
  if (surely_above(poll, material) || surely_above(select, material)) {
    return {Verdict::holds_within_limits, seen + ": true of one of the two only"};
  }
  if (!surely_below(poll, material) || !surely_below(select, material)) return cannot_tell(seen);
  if (standing(slow_poll, material) == Standing::dearer ||
      standing(slow_select, material) == Standing::dearer) {
    return {Verdict::holds_within_limits,
            seen + ": active must mean ready at the same time, so that many share one scan"};
  }
  if (!surely_below(slow_poll, material) || !surely_below(slow_select, material)) {
    return cannot_tell(seen);
  }
  return {Verdict::holds, seen};
}

}  // namespace all_active_claim

Claim all_active() {
  return {.id = "all-active",
          .sentence = "Where most sockets are active, scanning with select or poll is efficient",
          .sources = "002",
          .method =
              "500 connections that all send: each again as soon as it is answered, so that many "
              "are ready at every wait; and 1,000 messages per second over all of them, so that "
              "few are. The servers' CPU per request, in nine rounds in turn",
          .decision =
              "efficient is at most a quarter dearer than epoll, surely (the whole 95 % interval). "
              "Within limits when that is so with all ready at once, and not when each is active "
              "now and then, for most sockets are active then too; refuted when it isn't so even "
              "with all ready at once",
          .observe = all_active_claim::observe,
          .decide = all_active_claim::decide};
}

}  // namespace echomux::claims
