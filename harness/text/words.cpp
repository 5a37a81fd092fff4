#include "harness/text/words.hpp"

#include <fmt/core.h>

#include <array>
#include <cmath>
#include <ctime>
#include <stdexcept>

namespace echomux {

std::string in_quotes(std::string_view bytes) {
  std::string text = "\"";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      text += "\\n";
    } else if (c == '\r') {
      text += "\\r";
    } else if (c == '"' || c == '\\') {
      text += fmt::format("\\{}", c);
    } else if (byte < ' ' || byte > '~') {
      text += fmt::format("\\x{:02x}", byte);
    } else {
      text += c;
    }
  }
  return text + "\"";
}

std::string time_left(double seconds) {
  const auto whole = std::llround(seconds);
  return whole < 3600 ? fmt::format("(about {:02}:{:02} left)", whole / 60, whole % 60)
                      : fmt::format("(about {}:{:02}:{:02} left)", whole / 3600, whole / 60 % 60,
                                    whole % 60);
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
