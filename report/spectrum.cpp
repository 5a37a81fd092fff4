#include "report/spectrum.hpp"

#include <cmath>

#include "harness/text/time_units.hpp"

namespace echomux {

std::vector<std::pair<double, double>> spectrum(const LatencyHistogram& histogram) {
  constexpr int points_per_halving = 5;
  std::vector<std::pair<double, double>> points;
  if (histogram.count() == 0) return points;
  const auto add = [&](double share) {
    points.emplace_back(share, to_us(histogram.percentile(100 * share)));
  };
  const double one_value = 1 / static_cast<double>(histogram.count());
  for (int i = 0;; ++i) {
    // What is above the share: it goes from one to the half, the quarter, and so on.
    const double halved = std::ldexp(1.0, -(i / points_per_halving));
    const double above = halved * (1 - 0.5 * (i % points_per_halving) / points_per_halving);
    if (above <= one_value) break;
    add(1 - above);
  }
  add(1);
  return points;
}

}  // namespace echomux
