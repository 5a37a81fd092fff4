#include "report/gnuplot.hpp"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/machine/spawned_process.hpp"
#include "tests/support/sample_figures.hpp"
#include "tests/support/temporary_directory.hpp"

namespace echomux {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string data_line(double x, double y, double low, double high) {
  return fmt::format("{:>12.10g} {:>14.10g} {:>14.10g} {:>14.10g}", x, y, low, high);
}

TEST(Gnuplot, HasEveryPublishedAndMeasuredValueInItsData) {
  for (const Figure& figure : {sample_published(), sample_with_zero(), sample_two_quantities(),
                               sample_with_fit(), sample_crossing()}) {
    const std::string data = gnuplot_data(figure);
    for (const auto& [name, line] : figure.published) {
      for (const auto& [x, y] : line) {
        EXPECT_THAT(data, HasSubstr(data_line(x, y, y, y))) << figure.id;
      }
    }
    for (const auto& [name, line] : figure.measured) {
      for (const auto& [x, rounds] : line.rounds) {
        const MedianInterval value = median_interval(rounds);
        EXPECT_THAT(data,
                    HasSubstr(data_line(x, value.median, value.bounds->low, value.bounds->high)));
      }
    }
  }
}

TEST(Gnuplot, HasNoIntervalWhereThereIsNone) {
  Figure figure = sample_with_zero();
  figure.measured = {{"poll", {.rounds = {{10, {3, 5, 4}}}, .not_possible = {}}}};
  EXPECT_THAT(gnuplot_data(figure), HasSubstr(data_line(10, 4, 4, 4)));
}

TEST(Gnuplot, TakesForeignTextForTextOnly) {
  const TemporaryDirectory directory;
  Figure figure = sample_published();
  const std::string touched = (directory.path() / "touched").string();
  const std::string hostile =
      "a'b\"c\\n`touch " + touched + "`@macro{/Bold x}^2_3\nsystem('touch " + touched + "')\\";
  figure.id = "../hostile`id`";
  figure.title = figure.source = figure.axis_label = figure.published_unit = hostile;
  figure.lines.push_back(hostile);
  figure.measured[hostile] = figure.measured["poll"];
  figure.published[hostile] = figure.published["poll"];
  EXPECT_EQ(file_stem(figure), "___hostile_id_");
  const std::string script = gnuplot_script(figure);
  EXPECT_THAT(script, HasSubstr("'a''b\"c\\n`touch "));
  for (const char* const line_begin : {"\nsystem", "\\\nsystem"}) {
    EXPECT_THAT(script, Not(HasSubstr(line_begin)));
  }
  write_gnuplot(directory.path(), figure);
  const Captured drawn = run_and_capture(
      {.arguments = {"gnuplot", "___hostile_id_.gp"}, .directory = directory.path()}, STDERR_FILENO,
      std::chrono::seconds(60));
  if (drawn.exec_error != 0) GTEST_SKIP() << "not installed: gnuplot";
  EXPECT_EQ(drawn.end.exit_status, 0) << drawn.text;
  EXPECT_FALSE(std::filesystem::exists(touched));
  const std::string svg = file_text(directory.path() / "___hostile_id_-gnuplot.svg");
  EXPECT_THAT(svg, HasSubstr("@macro{/Bold x}^2_3"));
  EXPECT_THAT(svg, HasSubstr("</svg>"));
}

}  // namespace
}  // namespace echomux
