// Do more workers behind one waiting thread serve more? And what does it cost to hand peers over?
#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "claims/all_claims.hpp"
#include "claims/support/bench.hpp"
#include "claims/support/comparison.hpp"
#include "harness/bench/rounds.hpp"
#include "harness/load/load_report.hpp"
#include "harness/machine/cgroup.hpp"
#include "harness/machine/cpu.hpp"

namespace echomux::claims {
namespace reactor_workers_claim {

// Half of them for the clients, one for the reactor, and the others for workers.
constexpr double cpus_to_scale_on = 8;
constexpr double much = 1.5;
constexpr double material = 1.1;
// A client that is busier than this may be what limits the rate.
constexpr double busy_client = 0.9;

// That this process may really use, with what its control group gives it.
double cpus_here() {
  const auto usable = static_cast<double>(usable_cpus().size());
  const auto quota = cpu_quota();
  return quota ? std::min(usable, quota->cpus) : usable;
}

// On whichever CPUs the system chooses.
void observe_scaling(std::size_t cpus, Laboratory& laboratory, Evidence& evidence) {
  Load load = short_load(100);
  load.threads = cpus / 2;
  const std::vector<ServerCommand> commands{
      serve_command(laboratory.program, "epoll_lt"),
      serve_command(laboratory.program, "reactor_workers",
                    {"--workers", std::to_string(cpus / 2 - 1)})};
  std::vector<std::vector<double>> rates(commands.size());
  std::vector<double> busy;
  run_rounds(
      commands.size(), rounds,
      [&](std::size_t i, std::size_t) {
        laboratory.progress("on several CPUs");
        const Measurement measured = measure(commands[i], load);
        static_cast<void>(measured.complete_cost());
        const LoadReport report = make_load_report(load, measured.result);
        rates[i].push_back(report.achieved_rps);
        busy.push_back(report.client_busy_share);
      },
      laboratory.stop);
  evidence.measure("rps_epoll_lt", "requests per second of epoll_lt, 100 active", rates[0]);
  evidence.measure("rps_workers", "requests per second of reactor_workers", rates[1]);
  evidence.measure("client_busy", "part of its time that a client thread was busy", busy);
}

void observe(Laboratory& laboratory, Evidence& evidence) {
  const double cpus = cpus_here();
  evidence.note("cpus", "CPUs that client and server may use", cpus);
  const std::vector<std::string> servers{"epoll_lt", "reactor_workers"};
  // First, since a bench keeps to its CPUs.
  if (cpus >= cpus_to_scale_on) {
    observe_scaling(static_cast<std::size_t>(cpus), laboratory, evidence);
  }
  const Bench bench(laboratory);
  std::map<std::string, std::vector<double>> cpu_us;
  bench.in_turn(
      servers.size(),
      [&](std::size_t i) {
        laboratory.progress("handing over: " + servers[i]);
        const Measurement measured = measure(bench.command(servers[i]), short_load(10));
        cpu_us[servers[i]].push_back(measured.complete_cost().cpu_us_per_request);
      },
      many_rounds);
  for (const std::string& server : servers) {
    evidence.measure("cpu_us_" + server,
                     fmt::format("CPU per request of {} on one CPU, 10 active", server),
                     cpu_us[server]);
  }
}

Finding decide(const Evidence& evidence) {
  const MedianInterval handing_over = evidence.ratio("cpu_us_reactor_workers", "cpu_us_epoll_lt");
  const std::string cost =
      fmt::format("on one CPU a request that is handed over costs {} the CPU of one that isn't",
                  times(handing_over));
  if (evidence.value("cpus") < cpus_to_scale_on) {
    return {Verdict::not_testable_here,
            cost + ", and on fewer than eight CPUs there is nothing to scale on"};
  }
  const MedianInterval gain = evidence.ratio("rps_workers", "rps_epoll_lt");
  const std::string seen =
      fmt::format("with a worker for each CPU that is left it serves {} the echoes of epoll_lt; {}",
                  times(gain), cost);
  if (evidence.value("client_busy") > busy_client) return cannot_tell(seen);
  if (surely_above(gain, much)) return {Verdict::holds, seen};
  if (surely_above(gain, material)) return {Verdict::holds_within_limits, seen};
  if (surely_below(gain, material)) return {Verdict::refuted, seen};
  return cannot_tell(seen);
}

}  // namespace reactor_workers_claim

Claim reactor_workers() {
  return {.id = "reactor-workers",
          .sentence = "One thread waits, workers read and write: the reactor scales",
          .sources = "001",
          .method =
              "reactor_workers against epoll_lt: CPU per request with ten active connections, "
              "both on one CPU, in 41 rounds in turn; and where there are eight CPUs or more, the "
              "rate at which 100 connections that always ask are served, with half of the "
              "CPUs for the client and the other half for the server",
          .decision =
              "it holds when the workers surely serve half as many requests more (the whole "
              "95 % interval of the ratio), within limits from a tenth on, and is refuted "
              "below that. With fewer than eight CPUs it is not testable",
          .observe = reactor_workers_claim::observe,
          .decide = reactor_workers_claim::decide};
}

}  // namespace echomux::claims
