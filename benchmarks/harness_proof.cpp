// Does the harness measure what is there? Servers whose stalls, delays and CPU time per request are
// known by arithmetic, each next to what was measured. The tests assert the same (proof_test).
#include <fmt/core.h>

#include <filesystem>
#include <iostream>

#include "benchmarks/known_server.hpp"
#include "harness/bench/ratio_program.hpp"

namespace {

using namespace echomux;
using namespace echomux::ratio_program;
using namespace std::chrono_literals;

KnownServerLoad measure_odd(const std::string& mode, const Load& load) {
  ServerCommand command = server_command("floor");
  const auto build = std::filesystem::path(command.arguments[0]).parent_path();
  command.arguments = {build / "odd_server", "{port}", mode};
  return measure_known_server(command, load);
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

}  // namespace

int main() {
  prepare("What the harness measures of servers whose figures are known");
  prove_stall();
  prove_delays();
  prove_demand();
}
