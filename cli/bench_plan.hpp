#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "harness/bench/sweep.hpp"

namespace echomux {

// The options as they are written; what is empty is the preset's.
struct BenchArguments {
  std::string preset = "quick";
  std::vector<std::string> backends;
  std::vector<std::string> servers;  // foreign ones, NAME=COMMAND
  std::vector<std::string> idle;
  std::vector<std::string> rates;
  std::string active;
  std::string size;
  std::string duration;
  std::string warmup;
  std::string timeout;
  std::string repetitions;
  std::optional<std::uint64_t> seed;
  bool no_pin = false;
  bool let_sleep = false;
  std::string select_limit = "fd_setsize";
  std::string output;
  std::string resume;
  std::string format = "text";
  bool strict = false;
  bool no_report = false;
};

// Adds the options that say what is measured, and lists them in `plan`: none of them goes with a
// run that is resumed.
void add_plan_options(CLI::App& command, BenchArguments& to, std::vector<CLI::Option*>& plan);

// What is to be measured. Throws UsageError for what can't be.
[[nodiscard]] SweepPlan make_plan(const BenchArguments& arguments);

// How to run a server of a plan here. Throws UsageError for a backend that this program lacks.
[[nodiscard]] SweepServer make_server(const ServerSpec& spec);

// The bare system calls, as a foreign server that is only met through its port.
[[nodiscard]] SweepServer floor_server();

}  // namespace echomux
