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

// The latencies of a cell's trials together, so that a file needn't have those of each.
struct CellHistogram {
  Cell cell;
  std::vector<std::size_t> repetitions;  // that it is the sum of
  std::string histogram_v2;
  std::string histogram_uncorrected_v2;
};

template <typename Visit>
void for_each_field(Of<CellHistogram>, Visit visit) {
  visit({}, &CellHistogram::cell);
  visit({"repetitions", "Whose latencies it has; their trials have none of their own."},
        &CellHistogram::repetitions);
  visit({"histogram_v2", "HdrHistogram V2, compressed, base64; values in nanoseconds."},
        &CellHistogram::histogram_v2);
  visit({"histogram_uncorrected_v2"}, &CellHistogram::histogram_uncorrected_v2);
}

// A sweep's results as they are written and read.
struct Results {
  RunContext context;
  std::optional<double> client_ceiling_rps;  // what the client reaches against the floor
  std::vector<Trial> trials;
  std::vector<SystemCallCount> system_calls;
  std::vector<CellHistogram> histograms;
  // What is summarised and shown of its trials.
  const std::vector<Metric>* metrics = &echomux::metrics();
};

}  // namespace echomux
