#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "harness/sweep.hpp"

namespace echomux {

// Where and how a sweep was run.
struct RunContext {
  std::string started;  // ISO 8601, UTC
  std::vector<std::string> command;
  std::string program_version;
  std::string kernel;
  std::string cpu_model;
  std::size_t cpus = 0;
  bool virtual_machine = false;
  std::uint64_t descriptor_limit = 0;
  std::string cpu_plan;

  double requests_per_second = 0;
  std::size_t active_connections = 0;
  std::size_t message_bytes = 0;
  double warmup_seconds = 0;
  double duration_seconds = 0;
};

// A context with everything filled in that the machine can tell.
[[nodiscard]] RunContext describe_run(const SweepOptions& options, std::vector<std::string> command,
                                      std::string program_version);

// A sweep's results as they are written and read.
struct Results {
  RunContext context;
  std::vector<Trial> trials;
};

// Writes all of it as one JSON document; never leaves a half-written file behind, for it replaces
// the old one in one step (rename(2)). Creates the directory. Throws std::runtime_error with a
// sentence for the user.
void write_results(const std::filesystem::path& path, const Results& results);

// Reads what write_results wrote. Throws std::runtime_error, with a sentence for the user, for a
// file that isn't there or isn't one.
[[nodiscard]] Results read_results(const std::filesystem::path& path);

}  // namespace echomux
