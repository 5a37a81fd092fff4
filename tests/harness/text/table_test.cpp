#include "harness/text/table.hpp"

#include <gtest/gtest.h>

#include "harness/text/number_text.hpp"

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
  EXPECT_EQ(reader_number(12345), "12,345");
  EXPECT_EQ(reader_number(interval), "1.5 [1.25, 123]");
  EXPECT_EQ(figure_in_words(interval), "1.5 [1.2, 123]");
  EXPECT_EQ(figure_in_words(MedianInterval{99.95, {}}), "100");
  EXPECT_EQ(figure_in_words(std::nullopt), "-");
  EXPECT_EQ(ratio_in_words(1.5, interval.bounds), "1.500 [1.250, 123.400]");
  EXPECT_EQ(four_digits(12345.6), "1.235e+04");
  EXPECT_EQ(four_digits(std::nullopt), "-");
  EXPECT_EQ(plain_number(0.123456789012), "0.123456789");
  EXPECT_EQ(count_in_words(1'002'003), "1,002,003");
  EXPECT_EQ(percent(0.0831), "8 %");
  EXPECT_EQ(percent(0.0831, 1), "8.3 %");
  EXPECT_EQ(rate_in_words(1234567), "1234567 requests/s");
  EXPECT_EQ(rate_in_words(0), "full speed (closed loop)");
}

}  // namespace
}  // namespace echomux
