#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace echomux {

// How many columns a string takes on a terminal: one for each code point, two for those of Chinese,
// Japanese and Korean and for emoji.
[[nodiscard]] inline std::size_t display_width(std::string_view text) {
  // By the first two bytes of a code point in UTF-8.
  constexpr std::array<std::pair<unsigned, unsigned>, 6> wide{{{0xE184, 0xE185},
                                                               {0xE2BA, 0xEA93},
                                                               {0xEAB0, 0xED9E},
                                                               {0xEFA4, 0xEFAB},
                                                               {0xEFBC, 0xEFBD},
                                                               {0xF09F, 0xF0BF}}};
  std::size_t columns = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto first = static_cast<unsigned char>(text[i]);
    if ((first & 0xC0U) == 0x80U) continue;
    const unsigned second = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
    const unsigned both = first * 256U + second;
    columns +=
        std::ranges::any_of(
            wide, [&](const auto& range) { return range.first <= both && both <= range.second; })
            ? 2
            : 1;
  }
  return columns;
}

// As much of a text as has room in so many columns; with "…" at its end where that isn't all.
[[nodiscard]] inline std::string clipped(std::string_view text, std::size_t columns) {
  if (display_width(text) <= columns) return std::string(text);
  std::size_t end = text.size();
  while (end > 0 && display_width(text.substr(0, end)) + 1 > columns) {
    --end;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  }
  return std::string(text.substr(0, end)) + (columns > 0 ? "…" : "");
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
