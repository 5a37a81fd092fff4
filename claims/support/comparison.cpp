#include "claims/support/comparison.hpp"

#include <numeric>

#include "reproduce/number_text.hpp"

namespace echomux::claims {

Standing standing(const MedianInterval& ratio, double material) {
  if (surely_above(ratio, 1) && ratio.median >= material) return Standing::dearer;
  if (surely_below(ratio, 1) && ratio.median <= 1 / material) return Standing::cheaper;
  if (surely_above(ratio, 1 / material) && surely_below(ratio, material)) return Standing::alike;
  return Standing::unclear;
}

bool surely_above(const MedianInterval& ratio, double bound) {
  return ratio.bounds && ratio.bounds->low > bound;
}

bool surely_below(const MedianInterval& ratio, double bound) {
  return ratio.bounds && ratio.bounds->high < bound;
}

std::string times(const MedianInterval& ratio) {
  return reader_number(ratio) + " times";
}

double slope(std::span<const double> x, std::span<const double> y) {
  const auto count = static_cast<double>(x.size());
  const double mean_x = std::accumulate(x.begin(), x.end(), 0.0) / count;
  const double mean_y = std::accumulate(y.begin(), y.end(), 0.0) / count;
  double xy = 0;
  double xx = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xy += (x[i] - mean_x) * (y[i] - mean_y);
    xx += (x[i] - mean_x) * (x[i] - mean_x);
  }
  return xy / xx;
}

Finding cannot_tell(const std::string& seen) {
  return {Verdict::not_testable_here,
          seen + "; the interval allows for both answers, so these rounds can't tell"};
}

}  // namespace echomux::claims
