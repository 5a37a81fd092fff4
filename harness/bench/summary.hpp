#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/bench/results.hpp"
#include "harness/stats/statistics.hpp"

namespace echomux {

// A cell's values of one metric.
struct MetricSummary {
  std::vector<double> values;  // of the trials that count, by repetition
  std::vector<std::size_t> repetitions;
  std::vector<std::size_t> outliers;  // the repetitions whose values are outliers; none dropped
  MedianInterval interval;
  int place = 0;  // among the metrics

  [[nodiscard]] double median() const { return interval.median; }
  [[nodiscard]] std::optional<double> low() const;
  [[nodiscard]] std::optional<double> high() const;
};

template <typename Visit>
void for_each_field(Of<MetricSummary>, Visit visit) {
  visit({"median"}, &MetricSummary::median);
  visit({"low", "Of the 95 % interval; null below six repetitions, of a ratio below two."},
        &MetricSummary::low);
  visit({"high"}, &MetricSummary::high);
  visit({"values", "Of the trials that count, by repetition."}, &MetricSummary::values);
  visit({"outlying_repetitions"}, &MetricSummary::outliers);
}

// How much the logarithm of a server's CPU time per request varies from process to process.
struct Spread {
  double deviation = 0;     // standard deviation
  std::size_t degrees = 0;  // of freedom with which it is known
};

// All trials of one cell. A trial that isn't valid for a reason of the run's is counted, and left
// out of the figures unless all are.
struct CellSummary {
  Cell cell;
  std::size_t trials = 0;
  std::size_t used = 0;  // in the figures
  RunOutcome outcome;    // of the last trial that was not measured, if there is one
  Judgement judgement;
  std::map<std::string_view, MetricSummary> metrics;
  std::optional<double> system_calls_per_request;  // counted by the kernel
  std::optional<Spread> spread;                    // of what was measured in slices

  // By its name; empty where it has no values.
  [[nodiscard]] const MetricSummary& metric(std::string_view name) const;
  [[nodiscard]] std::optional<double> median(std::string_view metric) const;
  // Those that any trial has, in their order.
  [[nodiscard]] std::vector<std::pair<std::string_view, MetricSummary>> measured() const;
};

template <typename Visit>
void for_each_field(Of<CellSummary>, Visit visit) {
  visit({}, &CellSummary::cell);
  visit({"trials"}, &CellSummary::trials);
  visit({"used", "Trials that the figures are of."}, &CellSummary::used);
  visit(
      {"outcome"}, [](auto& cell) -> auto& { return cell.outcome.kind; });
  visit(
      {"note"}, [](auto& cell) -> auto& { return cell.outcome.sentence; });
  visit({}, &CellSummary::judgement);
  visit({.name = "system_calls_per_request",
         .explanation = "Counted by the kernel in a pass of its own, or by the server where the "
                        "kernel's count isn't available.",
         .title = "System calls",
         .unit = "per request",
         .head = "calls/req (kernel)",
         .places = {.page = 4}},
        &CellSummary::system_calls_per_request);
  visit({"metrics"}, &CellSummary::measured);
}

// True when a request certainly costs the one more CPU time than the other, as far as these trials
// tell. In slices both were measured in the same rounds, so that the ratio of the two in each
// repetition decides, and it is wrong in one of fifty such comparisons. Else their intervals do,
// or, where there are none, whether it is half as much again. Both must have figures.
[[nodiscard]] bool told_apart(const CellSummary& cheaper, const CellSummary& dearer);

// The trials of a cell that its figures are made from, by repetition. They are the results' own.
[[nodiscard]] std::vector<const Trial*> used_trials(const Cell& cell, const Results& results);

// Each reason for which figures are missing, and their names; `system_calls` is what the count of
// these is called.
[[nodiscard]] std::map<std::string, std::set<std::string>> missing_figures(
    const Results& results, std::string_view system_calls);

// In the order of the plan: by idle connections, rate, server.
[[nodiscard]] std::vector<CellSummary> summarize(const Results& results);

}  // namespace echomux
