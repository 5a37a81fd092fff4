#pragma once

#include <optional>
#include <vector>

namespace echomux {

// The median of a sample with a 95 % confidence interval from its order statistics, which assumes
// nothing about the distribution (Conover, Practical Nonparametric Statistics, section 3.2).
struct MedianInterval {
  double median = 0;
  // None with fewer than six values: not even the smallest and the largest are 95 % sure then.
  struct Bounds {
    double low;
    double high;
  };
  std::optional<Bounds> bounds;
};

// `values` must not be empty.
[[nodiscard]] MedianInterval median_interval(std::vector<double> values);

}  // namespace echomux
