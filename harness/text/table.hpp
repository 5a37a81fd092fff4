#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace echomux {

enum class TableFormat { text, markdown };

// Rows of cells under titles, for a terminal or in Markdown.
class Table {
 public:
  struct Column {
    std::string title;
    bool to_the_right = false;
    // What it takes on a terminal, and how many blanks stand before it. Zero is as wide as its
    // widest cell; else a wider cell sticks out, so that several tables stay in line.
    std::size_t width = 0;
    std::size_t gap = 2;
  };

  [[nodiscard]] static Column left(std::string_view title = {}, std::size_t width = 0,
                                   std::size_t gap = 2);
  [[nodiscard]] static Column right(std::string_view title = {}, std::size_t width = 0,
                                    std::size_t gap = 2);

  // One to the left, then one to the right under each of these titles.
  [[nodiscard]] static std::vector<Column> columns(Column first,
                                                   std::initializer_list<std::string_view> others,
                                                   std::size_t width = 0, std::size_t gap = 2);

  // A table of names and what is said of each, without titles.
  [[nodiscard]] static Table list(std::size_t name_width) {
    return Table({left({}, name_width, 0), left({}, 0, 1)});
  }

  // On a terminal, a table none of whose columns has a title has no line of titles.
  explicit Table(std::vector<Column> columns);

  // A row, with as many cells as there are columns.
  void add(std::vector<std::string> cells);
  [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }

  // The whole table, each line with its end. In Markdown, a '|' in a cell is escaped,
  // and an end of a line becomes a blank.
  [[nodiscard]] std::string print(TableFormat format = TableFormat::text) const;

 private:
  [[nodiscard]] std::string as_text() const;
  [[nodiscard]] std::string as_markdown() const;

  std::vector<Column> columns_;
  std::vector<std::string> titles_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace echomux
