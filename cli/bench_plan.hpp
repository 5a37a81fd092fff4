#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "harness/bench/sweep.hpp"
#include "cli/command.hpp"

namespace echomux {

// The options; what is empty is the preset's.
struct BenchArguments {
  std::string preset = "quick";
  std::vector<std::string> backends;
  std::vector<std::string> servers;  // foreign ones, NAME=COMMAND
  std::vector<std::size_t> idle;
  std::vector<double> rates{1000};
  std::optional<std::size_t> active;
  std::optional<std::size_t> size;
  std::optional<std::chrono::nanoseconds> duration;
  std::optional<std::chrono::nanoseconds> warmup;
  std::optional<std::chrono::nanoseconds> timeout;
  std::optional<std::size_t> repetitions;
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

// The options that say what is measured: none of them goes with a run that is resumed.
[[nodiscard]] std::vector<Option> plan_options(BenchArguments& to);

// What is to be measured. Throws UsageError for what can't be.
[[nodiscard]] SweepPlan make_plan(const BenchArguments& arguments);

// How to run a server of a plan here. Throws UsageError for a backend that this program lacks.
[[nodiscard]] SweepServer make_server(const ServerSpec& spec);

// The bare system calls, as a foreign server that is only met through its port.
[[nodiscard]] SweepServer floor_server();

}  // namespace echomux
