#include "harness/text/table.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "harness/text/number_text.hpp"
#include "harness/text/words.hpp"

namespace echomux {
namespace {

TEST(Table, IsAsWideAsItsCellsUnlessAColumnHasAWidth) {
  Table table(
      {Table::left("server"), Table::right("µs"), Table::right("idle", 5, 1), Table::left()});
  EXPECT_TRUE(table.empty());
  table.add({"漢字 and poll", "1.5", "1234567", "late"});
  table.add({"é", "10.25", "0", ""});
  EXPECT_EQ(table.print(),
            "  server            µs  idle\n"
            "  漢字 and poll    1.5 1234567  late\n"
            "  é              10.25     0\n");
}

TEST(Table, HasNoLineOfTitlesWithoutAny) {
  Table table = Table::list(6);
  table.add({"note", "a sentence"});
  EXPECT_EQ(table.print(), "note   a sentence\n");
}

TEST(Table, EscapesWhatWouldEndACellInMarkdown) {
  Table table(Table::columns(Table::left("name"), {"a", "b"}));
  table.add({"x|y", "1", "two\nlines"});
  EXPECT_EQ(table.print(TableFormat::markdown),
            "| name | a | b |\n"
            "| --- | ---: | ---: |\n"
            "| x\\|y | 1 | two lines |\n");
}

TEST(NumberText, SaysEachKindOfNumberInItsWay) {
  const MedianInterval interval{1.5, MedianInterval::Bounds{1.25, 123.4}};
  const MedianInterval never{INFINITY, MedianInterval::Bounds{INFINITY, INFINITY}};
  const std::vector<std::pair<std::string, const char*>> cases{
      {reader_number(0), "0"},
      {reader_number(12'345), "12,345"},
      {reader_number(1'234'567), "1,234,567"},
      {reader_number(999.6), "1,000"},
      {reader_number(99.97), "100"},
      {reader_number(0.1234), "0.123"},
      {reader_number(0.0000123), "0.0000123"},
      {reader_number(-12'345), "-12,345"},
      {reader_number(-0.25), "-0.25"},
      {reader_number(INFINITY), "never"},
      {reader_number(interval), "1.5 [1.25, 123]"},
      {reader_number(never), "never"},  // where lines never cross in any round
      {figure_in_words(interval), "1.5 [1.2, 123]"},
      {figure_in_words(99.94), "99.9"},
      {figure_in_words(MedianInterval{99.95, {}}), "100"},
      {figure_in_words(std::nullopt), "-"},
      {ratio_in_words(1.5, interval.bounds), "1.500 [1.250, 123.400]"},
      {four_digits(12345.6), "1.235e+04"},
      {four_digits(std::nullopt), "-"},
      {plain_number(0.123456789012), "0.123456789"},
      {count_in_words(0), "0"},
      {count_in_words(999), "999"},
      {count_in_words(1000), "1,000"},
      {count_in_words(1'002'003), "1,002,003"},
      {percent(0.0831), "8 %"},
      {percent(0.0831, 1), "8.3 %"},
      {rate_in_words(0.5), "0.5 requests/s"},
      {rate_in_words(1'234'567), "1234567 requests/s"},
      {rate_in_words(0), "full speed (closed loop)"}};
  for (const auto& [said, expected] : cases) EXPECT_EQ(said, expected);
}

TEST(Words, JoinLists) {
  EXPECT_EQ(list_in_words({}), "");
  EXPECT_EQ(list_in_words({"a"}), "a");
  EXPECT_EQ(list_in_words({"a", "b"}), "a and b");
  EXPECT_EQ(list_in_words({"a", "b", "c"}), "a, b and c");
}

}  // namespace
}  // namespace echomux
