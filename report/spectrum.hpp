#pragma once

#include <utility>
#include <vector>

#include "harness/load/latency_histogram.hpp"

namespace echomux {

// A latency distribution as points to draw: each the share of all values (0 to 1) that are not
// above a latency in us. Five points to each halving of what is left, as in HdrHistogram's
// percentile distribution, and none beyond what the number of values supports; the last one is the
// largest value, at 1. Empty when nothing was recorded.
[[nodiscard]] std::vector<std::pair<double, double>> spectrum(const LatencyHistogram& histogram);

}  // namespace echomux
