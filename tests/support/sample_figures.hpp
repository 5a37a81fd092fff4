#pragma once

#include "report/figure.hpp"

namespace echomux {

// Figures as they come from measuring, made up and the same in every run.

// Published and measured: slopes, ratios, a place that this machine could not do.
[[nodiscard]] Figure sample_published();
// Throughput with nothing published as numbers, at 0 and at 10,000.
[[nodiscard]] Figure sample_with_zero();
// All servers, two quantities; blocking starves, select ends at its limit.
[[nodiscard]] Figure sample_two_quantities();
// Costs with a fitted model; select is cheaper where all are ready.
[[nodiscard]] Figure sample_with_fit();
// Published and measured, and select wins up to 512 of both.
[[nodiscard]] Figure sample_crossing();

[[nodiscard]] FigureContext sample_context();

}  // namespace echomux
