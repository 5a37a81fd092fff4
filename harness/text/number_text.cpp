#include "harness/text/number_text.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "harness/text/words.hpp"

namespace echomux {

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
  return value.bounds
             ? fmt::format("{} [{}, {}]", reader_number(value.median),
                           reader_number(value.bounds->low), reader_number(value.bounds->high))
             : reader_number(value.median);
}

}  // namespace echomux
