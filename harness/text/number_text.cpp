#include "harness/text/number_text.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <functional>

namespace echomux {
namespace {

using Bounds = MedianInterval::Bounds;

// "0.93 [0.90, 0.97]", each said the same way.
std::string with_bounds(double value, const std::optional<Bounds>& bounds,
                        const std::function<std::string(double)>& say) {
  if (!bounds) return say(value);
  return fmt::format("{} [{}, {}]", say(value), say(bounds->low), say(bounds->high));
}

}  // namespace

std::string reader_number(double value) {
  if (value == 0) return "0";
  if (!std::isfinite(value)) return "never";
  const double size = std::abs(value);
  // Of what rounds to 100 or more, whole numbers only.
  if (size < 99.95) {
    const int decimals = std::clamp(2 - static_cast<int>(std::floor(std::log10(size))), 0, 12);
    std::string text = fmt::format("{:.{}f}", value, decimals);
    if (text.find('.') != std::string::npos) {
      text.erase(text.find_last_not_of('0') + 1);
      if (text.back() == '.') text.pop_back();
    }
    return text;
  }
  return (value < 0 ? "-" : "") + count_in_words(static_cast<std::size_t>(std::round(size)));
}

std::string reader_number(const MedianInterval& value) {
  if (value.bounds && std::isinf(value.bounds->low)) return reader_number(value.bounds->low);
  return with_bounds(value.median, value.bounds, [](double one) { return reader_number(one); });
}

std::string figure_in_words(std::optional<double> value) {
  if (!value) return "-";
  return *value >= 99.95 ? whole_number(*value) : fmt::format("{:.1f}", *value);
}

std::string figure_in_words(const MedianInterval& value) {
  return with_bounds(value.median, value.bounds, [](double one) { return figure_in_words(one); });
}

std::string ratio_in_words(double ratio, const std::optional<Bounds>& bounds, int decimals) {
  return with_bounds(ratio, bounds,
                     [&](double one) { return fmt::format("{:.{}f}", one, decimals); });
}

std::string four_digits(std::optional<double> value) {
  return value ? fmt::format("{:.4g}", *value) : "-";
}

std::string plain_number(double value) {
  return fmt::format("{:.10g}", value);
}

std::string whole_number(double value) {
  return fmt::format("{:.0f}", value);
}

std::string count_in_words(std::size_t count) {
  if (count < 1000) return std::to_string(count);
  return fmt::format("{},{:03}", count_in_words(count / 1000), count % 1000);
}

std::string percent(double share, int decimals) {
  return fmt::format("{:.{}f} %", share * 100, decimals);
}

std::string rate_in_words(double rate) {
  return rate > 0 ? plain_number(rate) + " requests/s" : "full speed (closed loop)";
}

}  // namespace echomux
