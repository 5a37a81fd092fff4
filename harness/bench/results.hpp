#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/bench/metrics.hpp"
#include "harness/machine/build_info.hpp"
#include "harness/machine/machine.hpp"

namespace echomux {

// Where, with what and how a sweep was run.
struct RunContext {
  std::string started;  // ISO 8601, UTC
  std::vector<std::string> command;
  Build build;
  Machine machine;
  std::string cpu_plan;
  SweepPlan plan;
};

// A sweep's results as they are written and read.
struct Results {
  RunContext context;
  std::optional<double> client_ceiling_rps;  // what the client reaches against the floor
  std::vector<Trial> trials;
  std::vector<SystemCallCount> system_calls;
  // What is summarised and shown of its trials.
  const std::vector<Metric>* metrics = &echomux::metrics();
};

}  // namespace echomux
