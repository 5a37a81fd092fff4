#include "claims/evidence.hpp"

#include <algorithm>
#include <utility>

namespace echomux::claims {

void Evidence::note(std::string_view name, std::string_view what, double value) {
  measure(name, what, {value});
}

void Evidence::measure(std::string_view name, std::string_view what, std::vector<double> values) {
  if (has(name)) throw std::logic_error("observed twice: " + std::string(name));
  if (values.empty()) throw std::logic_error("observed without a value: " + std::string(name));
  observations_.push_back({std::string(name), std::string(what), std::move(values)});
}

bool Evidence::has(std::string_view name) const noexcept {
  return std::ranges::find(observations_, name, &Observation::name) != observations_.end();
}

double Evidence::value(std::string_view name) const {
  return median(find(name).values);
}

MedianInterval Evidence::interval(std::string_view name) const {
  return median_interval(find(name).values);
}

MedianInterval Evidence::ratio(std::string_view numerator, std::string_view denominator) const {
  const std::vector<double>& above = find(numerator).values;
  const std::vector<double>& below = find(denominator).values;
  if (above.size() != below.size()) {
    throw std::out_of_range("not measured in the same rounds: " + std::string(numerator) + " and " +
                            std::string(denominator));
  }
  std::vector<double> ratios;
  ratios.reserve(above.size());
  for (std::size_t i = 0; i < above.size(); ++i) ratios.push_back(above[i] / below[i]);
  return median_interval(std::move(ratios));
}

const Observation& Evidence::find(std::string_view name) const {
  const auto found = std::ranges::find(observations_, name, &Observation::name);
  if (found == observations_.end()) {
    throw std::out_of_range("not observed: " + std::string(name));
  }
  return *found;
}

}  // namespace echomux::claims
