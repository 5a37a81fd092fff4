#include "harness/text/table.hpp"

#include <algorithm>

#include "harness/text/text_width.hpp"

namespace echomux {

Table::Column Table::left(std::string_view title, std::size_t width, std::size_t gap) {
  return {.title = std::string(title), .width = width, .gap = gap};
}

Table::Column Table::right(std::string_view title, std::size_t width, std::size_t gap) {
  return {.title = std::string(title), .to_the_right = true, .width = width, .gap = gap};
}

std::vector<Table::Column> Table::columns(Column first,
                                          std::initializer_list<std::string_view> others,
                                          std::size_t width, std::size_t gap) {
  std::vector<Column> all{std::move(first)};
  for (const std::string_view title : others) all.push_back(right(title, width, gap));
  return all;
}

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {
  for (const Column& column : columns_) titles_.push_back(column.title);
}

void Table::add(std::vector<std::string> cells) {
  rows_.push_back(std::move(cells));
}

std::string Table::print(TableFormat format) const {
  return format == TableFormat::text ? as_text() : as_markdown();
}

std::string Table::as_text() const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    widths.push_back(columns_[i].width);
    if (columns_[i].width > 0) continue;
    widths[i] = display_width(titles_[i]);
    for (const auto& row : rows_) widths[i] = std::max(widths[i], display_width(row[i]));
  }
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string text;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::size_t taken = display_width(cells[i]);
      const std::string padding(widths[i] > taken ? widths[i] - taken : 0, ' ');
      text += std::string(columns_[i].gap, ' ');
      text += columns_[i].to_the_right ? padding + cells[i] : cells[i] + padding;
    }
    text.erase(text.find_last_not_of(' ') + 1);
    return text + "\n";
  };
  const bool titled = !std::ranges::all_of(titles_, &std::string::empty);
  std::string text = titled ? line(titles_) : std::string();
  for (const auto& row : rows_) text += line(row);
  return text;
}

std::string Table::as_markdown() const {
  const auto line = [](const std::vector<std::string>& cells) {
    std::string text = "|";
    for (std::string cell : cells) {
      std::ranges::replace(cell, '\n', ' ');
      for (std::size_t at = 0; (at = cell.find('|', at)) != std::string::npos; at += 2) {
        cell.insert(at, "\\");
      }
      text += " " + cell + " |";
    }
    return text + "\n";
  };
  std::string text = line(titles_) + "|";
  for (const Column& column : columns_) text += column.to_the_right ? " ---: |" : " --- |";
  text += "\n";
  for (const auto& row : rows_) text += line(row);
  return text;
}

}  // namespace echomux
