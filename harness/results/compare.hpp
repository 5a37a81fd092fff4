#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/bench/summary.hpp"
#include "harness/results/results_file.hpp"
#include "harness/stats/statistics.hpp"

namespace echomux {

class Json;

// What two runs say about one cell and one metric.
enum class ComparisonVerdict : std::uint8_t {
  no_difference,  // none that these samples show
  lower,          // the second run's values are lower: p at most 5 % after Holm's correction
  higher,
  too_few,      // not even the clearest difference could pass the corrected test
  only_in_one,  // the other run has no figures for the cell
};
[[nodiscard]] std::string_view to_string(ComparisonVerdict verdict) noexcept;

struct CellComparison {
  Cell cell;
  std::string_view metric;
  std::size_t count_a = 0;  // trials with a figure
  std::size_t count_b = 0;
  double median_a = 0;
  double median_b = 0;
  // Of the second run's to the first one's; none unless all figures of both are above zero.
  std::optional<RatioInterval> ratio;
  double p = 1;            // Mann-Whitney, two-sided
  double p_corrected = 1;  // by Holm's procedure, over all cells that have figures in both
  ComparisonVerdict verdict = ComparisonVerdict::only_in_one;
};

struct Comparison {
  std::vector<CellComparison> cells;
  // Where the two were made differently: sentences. What differs here may be why the figures do.
  std::vector<std::string> differences;
};

// What cannot be said, such as a ratio of a figure that only one run has, is left out.
[[nodiscard]] Json to_json(const CellComparison& cell);

// Compares all cells that either has, by one metric.
[[nodiscard]] Comparison compare(const Results& a, const Results& b, const Metric& metric);

}  // namespace echomux
