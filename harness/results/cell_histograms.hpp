#pragma once

#include <optional>

#include "harness/bench/results.hpp"
#include "harness/load/latency_histogram.hpp"

namespace echomux {

// The latencies of a cell's trials that count, added up; none where one of their histograms is
// missing or can't be read.
struct CellLatencies {
  std::optional<LatencyHistogram> from_due;   // counted from when a request was due
  std::optional<LatencyHistogram> from_sent;  // from when it was sent
};
[[nodiscard]] CellLatencies latencies_of(const Cell& cell, const Results& results);

// Moves the latencies of each cell of which several trials count from these to the results'
// `histograms`. What latencies_of() gives stays the same.
void add_histograms(Results& results);

}  // namespace echomux
