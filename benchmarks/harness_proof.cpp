// Does the harness measure what is there? Servers whose stalls, delays and CPU time per request are
// known by arithmetic, each next to what was measured. The tests assert the same (proof_test).
#include <fmt/core.h>

#include <filesystem>
#include <iostream>
#include <map>

#include "benchmarks/known_server.hpp"
#include "harness/bench/ratio_program.hpp"
#include "harness/bench/sweep.hpp"

namespace {

using namespace echomux;
using namespace echomux::ratio_program;
using namespace std::chrono_literals;

ServerCommand odd_command(const std::string& mode) {
  ServerCommand command = server_command("floor");
  const auto build = std::filesystem::path(command.arguments[0]).parent_path();
  command.arguments = {build / "odd_server", "{port}", mode};
  return command;
}

KnownServerLoad measure_odd(const std::string& mode, const Load& load) {
  return measure_known_server(odd_command(mode), load);
}

void prove_stall() {
  std::cout << "  a stall of 200 ms every 2 s, at 1,000 requests a second\n";
  for (int i = 0; i < 3; ++i) {
    const LoadReport open = measure_odd("stall=200ms/2s", known_load(1000, 4s)).report;
    Load one = known_load(0, 4s);
    one.active_connections = 1;
    const LoadReport closed = measure_odd("stall=200ms/2s", one).report;
    std::cout << fmt::format(
        "    open loop: p99 {:.1f} ms (arithmetic: 180), counted from sending {:.1f} ms\n"
        "    closed loop: p99 {:.3f} ms, max {:.1f} ms (arithmetic: 200), {} requests\n",
        open.latency_us.p99 / 1000, open.latency_uncorrected_us.p99 / 1000,
        closed.latency_us.p99 / 1000, closed.latency_us.max / 1000, closed.requests);
  }
}

void prove_delays() {
  for (const int delay_us : {300, 1000, 3000}) {
    const std::string mode = fmt::format("delay={}us", delay_us);
    const Figures medians = paired_rounds(7, {"plain", mode}, [](const std::string& server) {
      return measure_odd(server, known_load(300, 500ms)).report.latency_us.p50;
    });
    std::vector<double> off;
    off.reserve(medians.at(mode).size());
    for (const double median : medians.at(mode)) off.push_back(median - delay_us);
    std::cout << fmt::format(
        "  a delay of {} us: the median is off by {} us; without a delay it is {} us\n", delay_us,
        median_text(off), median_text(medians.at("plain")));
  }
}

void prove_demand() {
  for (const int burnt_us : {100, 300, 1000, 2000}) {
    const std::string mode = fmt::format("burn={}us", burnt_us);
    const Figures demand = paired_rounds(7, {"plain", mode}, [](const std::string& server) {
      return measure_odd(server, known_load(300, 1s)).cpu_us_per_request;
    });
    std::vector<double> measured;
    measured.reserve(demand.at(mode).size());
    for (std::size_t i = 0; i < demand.at(mode).size(); ++i) {
      measured.push_back((demand.at(mode)[i] - demand.at("plain")[i]) / burnt_us);
    }
    std::cout << fmt::format("  {} us of CPU per request: measured / known {}\n", burnt_us,
                             median_text(measured));
  }
}

// The same through a sweep, as bench makes it.
std::map<std::string, std::vector<Trial>> sweep(const std::vector<std::string>& modes,
                                                const Load& load, std::size_t repetitions,
                                                std::chrono::nanoseconds slice) {
  SweepPlan plan;
  plan.idle_connections = {0};
  plan.rates = {load.requests_per_second};
  plan.load = load;
  plan.repetitions = repetitions;
  plan.slice = slice;
  std::vector<SweepServer> servers;
  for (const std::string& mode : modes) {
    plan.servers.push_back({.name = mode, .backend = {}, .options = {}, .command = {}});
    servers.emplace_back().command = odd_command(mode);
  }
  SweepServer floor;
  floor.command = server_command("floor");
  floor.is_floor = true;
  std::map<std::string, std::vector<Trial>> trials;
  SweepObserver observer;
  observer.after = [&](const Trial& trial) { trials[trial.cell.server].push_back(trial); };
  run_sweep(plan, servers, floor, {}, observer, {});
  return trials;
}

void prove_through_bench(std::string_view how, std::chrono::nanoseconds slice) {
  std::cout << fmt::format("  through bench, {}\n", how);
  const auto stalled = sweep({"stall=200ms/2s"}, known_load(1000, 4s), 3, slice);
  for (const Trial& trial : stalled.at("stall=200ms/2s")) {
    std::cout << fmt::format("    a stall of 200 ms every 2 s: p99 {:.1f} ms (arithmetic: 180)\n",
                             trial.load->latency_us.p99 / 1000);
  }
  // Twenty messages in each slice.
  const std::chrono::nanoseconds rare = slice * 10 / 3;
  const auto trials = sweep({"plain", "delay=1000us", "burn=300us"}, known_load(300, 1s), 7, rare);
  std::vector<double> delays;
  std::vector<double> demands;
  for (std::size_t i = 0; i < trials.at("plain").size(); ++i) {
    const Trial& plain = trials.at("plain")[i];
    delays.push_back(trials.at("delay=1000us")[i].load->latency_us.p50 -
                     plain.load->latency_us.p50 - 1000);
    demands.push_back(
        (trials.at("burn=300us")[i].cost->cpu_us_per_request - plain.cost->cpu_us_per_request) /
        300);
  }
  std::cout << fmt::format(
      "    a delay of 1000 us: the median is off by {} us\n"
      "    300 us of CPU per request: measured / known {}\n",
      median_text(delays), median_text(demands));
}

}  // namespace

int main() {
  prepare("What the harness measures of servers whose figures are known");
  prove_stall();
  prove_delays();
  prove_demand();
  prove_through_bench("in slices", 20ms);
  prove_through_bench("with --fresh", 0ms);
}
