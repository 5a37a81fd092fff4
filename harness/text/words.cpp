#include "harness/text/words.hpp"

#include <fmt/core.h>

#include <array>
#include <cmath>
#include <ctime>
#include <stdexcept>

namespace echomux {

std::string time_left(double seconds) {
  const auto whole = std::llround(seconds);
  return fmt::format("(about {:02}:{:02} left)", whole / 60, whole % 60);
}

std::string utc_now(const char* format) {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 64> text{};
  return {text.data(), std::strftime(text.data(), text.size(), format, &parts)};
}

std::string list_in_words(const std::vector<std::string>& items) {
  std::string text;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) text += i + 1 == items.size() ? " and " : ", ";
    text += items[i];
  }
  return text;
}

void refuse_word(std::string_view what, const std::string& word) {
  throw std::invalid_argument(fmt::format("no {}: '{}'", what, word));
}

}  // namespace echomux
