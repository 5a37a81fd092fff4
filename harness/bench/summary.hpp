#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/bench/results.hpp"
#include "harness/stats/statistics.hpp"

namespace echomux {

// One figure of a trial, and how to get it; none when the trial doesn't have it.
struct Metric {
  std::string_view name;  // the field's own, with its unit last
  std::string_view title;
  std::optional<double> (*value)(const Trial&);
};
// All that are summarised, in the order in which they are shown.
[[nodiscard]] const std::vector<Metric>& metrics();
// Throws std::invalid_argument that names the others.
[[nodiscard]] const Metric& find_metric(std::string_view name);

// A cell's values of one metric.
struct MetricSummary {
  std::vector<double> values;         // of the trials that count, by repetition
  std::vector<std::size_t> outliers;  // the repetitions whose values are outliers; none dropped
  MedianInterval interval;
};

// All trials of one cell. A trial that isn't valid for a reason of the run's is counted, and left
// out of the figures unless all are.
struct CellSummary {
  Cell cell;
  std::size_t trials = 0;
  std::size_t used = 0;  // in the figures
  TrialOutcome outcome = TrialOutcome::measured;
  std::string note;
  Judgement judgement;
  std::map<std::string_view, MetricSummary> metrics;
  std::optional<double> system_calls_per_request;  // counted by the kernel

  [[nodiscard]] std::optional<double> median(std::string_view metric) const;
};

// The trials of a cell that its figures are made from, by repetition. They are the results' own.
[[nodiscard]] std::vector<const Trial*> used_trials(const Cell& cell, const Results& results);

// In the order of the plan: by idle connections, rate, server.
[[nodiscard]] std::vector<CellSummary> summarize(const Results& results);

}  // namespace echomux
