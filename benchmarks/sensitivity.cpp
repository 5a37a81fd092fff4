// How often does bench say that two servers differ? Of the same server under two names it should
// say so in at most 5 of 100 quick runs (A/A). Of one that uses 30 % more CPU time per request, a
// known amount that it burns, in at least 95 of 100 quick runs; of one that uses 10 % more, in at
// least 90 of 100 standard runs (A/B). Each run is `echomux bench` itself, and what counts is what
// it tells its user. Prints a Markdown table.
//
//   sensitivity [QUICK-RUNS [STANDARD-RUNS]]      100 and 100 unless told; about two hours
#include <fmt/core.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <iostream>
#include <stdexcept>
#include <string>

#include "harness/machine/spawned_process.hpp"
#include "harness/results/results_file.hpp"
#include "harness/server/programs.hpp"
#include "harness/stats/statistics.hpp"

namespace {

using namespace echomux;
using namespace std::chrono_literals;

// What bench says of two servers that it can't tell apart.
constexpr std::string_view alike = "too close to tell apart";

std::string odd_server() {
  return (echomux_program().parent_path() / "odd_server").string();
}

// A run of the plain server and this one: what it prints, and its results.
struct Run {
  std::string text;
  Results results;
};

Run bench(std::string_view preset, const std::string& mode) {
  const auto server = [](std::string_view name, std::string_view how) {
    return fmt::format("{}={} {{port}} {}", name, odd_server(), how);
  };
  const std::filesystem::path results =
      std::filesystem::temp_directory_path() / fmt::format("sensitivity-{}.json", ::getpid());
  const Captured run = run_and_capture(
      {.arguments = {echomux_program().string(), "bench", "--preset", std::string(preset),
                     "--backends", "none", "--idle", "0", "--no-report", "-o", results.string(),
                     "--server", server("one", "plain"), "--server", server("two", mode),
                     "--format", "markdown"}},
      STDOUT_FILENO, 10min);
  if (run.end.exit_status != 0 || run.text.find("a request costs") == std::string::npos) {
    throw std::runtime_error("bench failed: " + run.text);
  }
  Run ran{run.text, read_results(results)};
  std::filesystem::remove(results);
  return ran;
}

// What the plain server uses, in µs of CPU per request.
double plain_cost() {
  std::vector<double> costs;
  for (int i = 0; i < 3; ++i) {
    for (const Trial& trial : bench("quick", "plain").results.trials) {
      if (trial.has_figures()) costs.push_back(trial.cost->cpu_us_per_request);
    }
  }
  return median(costs);
}

void count(std::string_view what, std::string_view preset, const std::string& mode, int runs,
           std::string_view wanted) {
  int different = 0;
  for (int i = 0; i < runs; ++i) {
    different += bench(preset, mode).text.find(alike) == std::string::npos ? 1 : 0;
    std::cerr << fmt::format("\r{}, {}: {} of {} called different", what, preset, different, i + 1);
  }
  std::cerr << '\n';
  if (runs > 0) {
    std::cout << fmt::format("| {} | {} | {} | {} of {} | {} |\n", what, preset, mode, different,
                             runs, wanted)
              << std::flush;
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int quick = argc > 1 ? std::stoi(argv[1]) : 100;
    const int standard = argc > 2 ? std::stoi(argv[2]) : 100;
    const double plain = plain_cost();
    const auto more = [&](double share) {
      return fmt::format("burn={}us", std::lround(plain * share));
    };
    std::cout << fmt::format(
        "The plain server uses {:.1f} µs of CPU per request.\n\n"
        "| the other | preset | its mode | called different | wanted |\n"
        "| --- | --- | --- | --- | --- |\n",
        plain);
    count("the same", "quick", "plain", quick, "at most 5 %");
    count("30 % more", "quick", more(0.3), quick, "at least 95 %");
    count("10 % more", "standard", more(0.1), standard, "at least 90 %");
  } catch (const std::exception& error) {
    std::cerr << "sensitivity: " << error.what() << '\n';
    return 1;
  }
}
