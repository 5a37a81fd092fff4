#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace echomux {

// How many columns a string takes on a terminal: its code points, for all that is printed here.
[[nodiscard]] inline std::size_t display_width(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

// Breaks a sentence at blanks into lines of at most so many columns; only a longer word has more.
[[nodiscard]] inline std::vector<std::string> wrap_words(std::string_view sentence,
                                                         std::size_t columns) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < sentence.size();) {
    const std::size_t end = std::min(sentence.find(' ', begin), sentence.size());
    const std::string_view word = sentence.substr(begin, end - begin);
    if (lines.empty() || display_width(lines.back()) + 1 + display_width(word) > columns) {
      lines.emplace_back(word);
    } else {
      lines.back().append(" ").append(word);
    }
    begin = end + 1;
  }
  return lines;
}

}  // namespace echomux
