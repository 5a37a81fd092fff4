#pragma once

#include <string>
#include <vector>

#include "harness/bench/summary.hpp"
#include "harness/results/results_file.hpp"

namespace echomux {

// Sentences for a reader that follow from a run's figures. `cells` are the results' summary.

// Why select and poll differ from epoll: the descriptors that were examined, and what that cost.
[[nodiscard]] std::vector<std::string> explain_scanning(const std::vector<CellSummary>& cells);

// Each reason for which cells aren't valid, once, with the first of those it is so for.
[[nodiscard]] std::vector<std::string> explain_verdicts(const std::vector<CellSummary>& cells);

// What to keep in mind: what starved and saturated mean where they occur, what pinning and a
// virtual machine do, how many trials there are, and what the figures count.
[[nodiscard]] std::vector<std::string> caveats(const Results& results,
                                               const std::vector<CellSummary>& cells);

}  // namespace echomux
