#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "harness/text/text_width.hpp"

namespace echomux {

// A table in Markdown whose columns are as wide as their widest cell, so that it reads well on a
// terminal too. Each row has as many cells as `header`. The first column is aligned to the left,
// the others to the right.
[[nodiscard]] inline std::string markdown_table(const std::vector<std::string>& header,
                                                const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < header.size(); ++i) {
    widths.push_back(std::max<std::size_t>(display_width(header[i]), 4));
    for (const auto& row : rows) widths[i] = std::max(widths[i], display_width(row[i]));
  }
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string text = "|";
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string padding(widths[i] - display_width(cells[i]), ' ');
      text += i == 0 ? " " + cells[i] + padding + " |" : " " + padding + cells[i] + " |";
    }
    return text + "\n";
  };
  std::vector<std::string> rule;
  for (std::size_t i = 0; i < header.size(); ++i) {
    rule.push_back(std::string(widths[i] - 1, '-') + (i == 0 ? "-" : ":"));
  }
  std::string text = line(header) + line(rule);
  for (const auto& row : rows) text += line(row);
  return text;
}

}  // namespace echomux
