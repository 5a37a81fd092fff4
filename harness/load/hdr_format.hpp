#pragma once

#include <string>
#include <string_view>

#include "harness/load/latency_histogram.hpp"

namespace echomux {

// The forms in which programs exchange HdrHistograms, for tools such as its plotter and log
// processors.

// The counts in HdrHistogram's compressed V2 encoding, in base64; values in ns.
[[nodiscard]] std::string to_hdr_v2(const LatencyHistogram& histogram);

// What to_hdr_v2() or any HdrHistogram from 1 to LatencyHistogram::largest_ns with three digits has
// written. The maximum and the mean are exact to the width of a bucket only. Throws
// std::runtime_error, which says why, for any other text; however hostile it is, the memory this
// takes is bounded by its length and a constant.
[[nodiscard]] LatencyHistogram from_hdr_v2(std::string_view text);

// The percentile distribution (".hgrm") as HdrHistogram prints it with five ticks per half
// distance; values in us. Its mean and maximum are exact to the width of a bucket only.
[[nodiscard]] std::string to_hgrm(const LatencyHistogram& histogram);

}  // namespace echomux
