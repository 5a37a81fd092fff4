#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "harness/bench/sweep.hpp"

namespace echomux {

struct BenchArguments {
  SweepPlan plan;  // but for its servers and its seed
  std::vector<std::string> backends;
  std::vector<std::string> servers;    // foreign ones, NAME=COMMAND
  std::vector<std::size_t> workers;    // of those that have some
  std::vector<std::size_t> processes;  // of those that have some instead
  std::vector<std::size_t> server_cpus;
  std::optional<std::uint64_t> seed;
  std::string select_limit = "fd_setsize";
  std::string output;
  std::string resume;
  std::string program = "echomux";  // whose bench this is
  std::string format = "text";
  std::string preset = "quick";
  bool fresh = false;
  bool strict = false;
  bool no_report = false;
  bool force = false;
};

// The options that say what is measured: none of them goes with a run that is resumed.
[[nodiscard]] std::vector<Option> plan_options(BenchArguments& to);

// Throws UsageError where the plan's server can't have the CPUs that it names, here.
void check_server_cpus(const SweepPlan& plan);

// What is to be measured. Throws UsageError for what can't be.
[[nodiscard]] SweepPlan make_plan(BenchArguments arguments);

}  // namespace echomux
