#include "harness/statistics.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace echomux {
namespace {

// How many values to leave out at each end, so that the interval between the rest still covers the
// median with 95 %: the largest k with P(X < k) <= 2.5 % for X the number of values below the
// median, which is binomial with n and one half. None when even k = 0 leaves out too much.
std::optional<std::size_t> values_outside(std::size_t n) {
  constexpr double each_side = 0.025;
  double probability = std::pow(0.5, static_cast<double>(n));  // P(X = 0)
  double cumulative = 0;
  std::size_t k = 0;
  while (cumulative + probability <= each_side) {
    cumulative += probability;
    ++k;
    probability *= static_cast<double>(n - k + 1) / static_cast<double>(k);
  }
  if (k == 0) return std::nullopt;
  return k - 1;
}

}  // namespace

MedianInterval median_interval(std::vector<double> values) {
  assert(!values.empty());
  std::ranges::sort(values);
  const std::size_t n = values.size();
  MedianInterval result;
  result.median = n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
  if (const auto outside = values_outside(n)) {
    result.bounds = {.low = values[*outside], .high = values[n - 1 - *outside]};
  }
  return result;
}

}  // namespace echomux
