#include "report/picture.hpp"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>

#include "report/picture_layout.hpp"
#include "tests/support/complaint.hpp"
#include "tests/support/sample_figures.hpp"
#include "tests/support/temporary_directory.hpp"

namespace echomux {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::vector<Figure>& samples() {
  static const std::vector<Figure> all{sample_published(), sample_with_zero(),
                                       sample_two_quantities(), sample_with_fit(),
                                       sample_crossing()};
  return all;
}

std::string data_line(double x, double y) {
  return fmt::format("{:>12} {:>14}", fmt::format("{:.10g}", x), fmt::format("{:.10g}", y));
}

std::size_t occurrences(const std::string& text, const std::string& wanted) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(wanted, at)) != std::string::npos; ++at) ++count;
  return count;
}

// Draws it, or says that there is no gnuplot to do it.
bool drawn(const std::filesystem::path& directory, const Figure& figure) {
  write_picture_sources(directory, figure, sample_context());
  return !draw_picture(directory, figure).has_value();
}

TEST(Picture, HasEveryPublishedAndMeasuredValueInItsData) {
  for (const Figure& figure : samples()) {
    const std::string data = picture_data(figure);
    for (const auto& [name, line] : figure.published) {
      for (const auto& [x, y] : line) EXPECT_THAT(data, HasSubstr(data_line(x, y))) << figure.id;
    }
    for (const auto& [name, line] : figure.measured) {
      for (const auto& [x, rounds] : line.rounds) {
        const MedianInterval value = median_interval(rounds);
        EXPECT_THAT(data, HasSubstr(fmt::format("{} {:>14} {:>14}", data_line(x, value.median),
                                                fmt::format("{:.10g}", value.bounds->low),
                                                fmt::format("{:.10g}", value.bounds->high))))
            << figure.id;
      }
    }
  }
}

TEST(Picture, MarksWhatWasNotPossible) {
  const std::string sweep = picture_script(sample_two_quantities(), sample_context());
  EXPECT_THAT(sweep, HasSubstr("'blocking: starved'"));
  EXPECT_THAT(sweep, HasSubstr("'select: limit 1024'"));
  const std::string pairs = picture_script(sample_published(), sample_context());
  EXPECT_THAT(pairs, HasSubstr("'select, poll, epoll: not possible here'"));
  EXPECT_THAT(pairs, HasSubstr("first place(131072)"));
}

TEST(Picture, SaysWhereLookingAtEveryDescriptorWins) {
  const std::string script = picture_script(sample_crossing(), sample_context());
  EXPECT_EQ(occurrences(script, "'select costs less than epoll: "), 2U);  // published and here
  const std::string throughput = picture_script(sample_with_zero(), sample_context());
  EXPECT_THAT(throughput, HasSubstr("'poll does more than epoll_lt: "));
  EXPECT_THAT(picture_script(sample_published(), sample_context()),
              Not(HasSubstr("select costs less")));
}

TEST(Picture, HasBandsOnlyWithIntervals) {
  Figure figure = sample_published();
  const std::string with = picture_script(figure, sample_context());
  EXPECT_EQ(occurrences(with, "with filledcurves"), 3U);  // the measured ones
  for (auto& [name, line] : figure.measured) {
    for (auto& [x, rounds] : line.rounds) rounds.resize(3);  // too few for an interval
  }
  EXPECT_THAT(picture_script(figure, sample_context()), Not(HasSubstr("with filledcurves")));
}

TEST(Picture, GivesAllPanelsTheSameDecades) {
  for (const Figure& figure : samples()) {
    const PictureLayout layout = lay_out(figure, sample_context());
    for (const PicturePanel& panel : layout.panels) {
      const PictureAxis& first = layout.panels.front().y;
      EXPECT_NEAR(std::log10(panel.y.high / panel.y.low), std::log10(first.high / first.low), 1e-9);
      for (const PictureLine& line : panel.lines) {
        for (const auto& stretch : line.stretches) {
          for (const PicturePoint& point : stretch) {
            EXPECT_GT(point.y, panel.y.low);
            EXPECT_LT(point.y, panel.y.high);
          }
        }
      }
    }
  }
}

TEST(Picture, HasOnePanelWithoutAnythingPublished) {
  EXPECT_EQ(lay_out(sample_published(), {}).panels.size(), 2U);
  EXPECT_EQ(lay_out(sample_with_fit(), {}).panels.size(), 1U);
  EXPECT_EQ(lay_out(sample_two_quantities(), {}).panels.size(), 2U);
}

TEST(Picture, ShowsZeroLeftOfTheAxis) {
  const PictureLayout layout = lay_out(sample_with_zero(), sample_context());
  ASSERT_TRUE(layout.zero.has_value());
  EXPECT_GT(*layout.zero, layout.x.low);
  EXPECT_LT(*layout.zero, 10000);
  EXPECT_THAT(picture_script(sample_with_zero(), sample_context()), HasSubstr("('0' 1000"));
}

TEST(Picture, KeepsLabelsApart) {
  for (const Figure& figure : samples()) {
    const PictureLayout layout = lay_out(figure, sample_context());
    for (const PicturePanel& panel : layout.panels) {
      EXPECT_EQ(panel.labels.size(), panel.lines.size());
      const double per_decade = layout.panel_height / std::log10(panel.y.high / panel.y.low);
      for (const EndLabel& one : panel.labels) {
        for (const EndLabel& other : panel.labels) {
          if (&one == &other || !one.beside_panel || !other.beside_panel) continue;
          EXPECT_GT(std::abs(std::log10(one.y / other.y)) * per_decade, 14)
              << one.line << " " << other.line;
        }
      }
    }
  }
}

TEST(Picture, TakesForeignTextForTextOnly) {
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
  const std::string script = picture_script(figure, sample_context());
  EXPECT_THAT(script, HasSubstr("'a''b\"c\\n`touch "));
  for (const char* const line_begin : {"\nsystem", "\\\nsystem"}) {
    EXPECT_THAT(script, Not(HasSubstr(line_begin)));
  }
  if (!drawn(directory.path(), figure)) GTEST_SKIP() << "not installed: gnuplot";
  EXPECT_FALSE(std::filesystem::exists(touched));
  const std::string svg = file_text(directory.path() / "___hostile_id_.svg");
  EXPECT_THAT(svg, HasSubstr("@macro{/Bold x}^2_3"));
  EXPECT_THAT(svg, HasSubstr("</svg>"));
}

TEST(Picture, IsDrawnWithAGroupPerLine) {
  const TemporaryDirectory directory;
  for (const Figure& figure : samples()) {
    if (!drawn(directory.path(), figure)) GTEST_SKIP() << "not installed: gnuplot";
    const std::string svg = file_text(directory.path() / (figure.id + ".svg"));
    std::size_t groups = 0;
    for (const PicturePanel& panel : lay_out(figure, sample_context()).panels) {
      for (const PictureLine& line : panel.lines) groups += line.has_bounds() ? 2 : 1;
    }
    EXPECT_EQ(occurrences(svg, "<g id=\"gnuplot_plot_"), groups) << figure.id;
    for (const std::string& line : figure.lines) EXPECT_THAT(svg, HasSubstr(line)) << figure.id;
    EXPECT_THAT(svg, HasSubstr("#ffffff"));  // a background, for readers on a dark one
  }
}

TEST(Picture, IsAlsoAPngOfTwiceTheSize) {
  const TemporaryDirectory directory;
  const Figure figure = sample_published();
  if (!drawn(directory.path(), figure)) GTEST_SKIP() << "not installed: gnuplot";
  const std::string png = file_text(directory.path() / (figure.id + ".png"));
  ASSERT_GT(png.size(), 24U);
  EXPECT_EQ(png.substr(0, 8), "\x89PNG\r\n\x1a\n");
  const auto number_at = [&](std::size_t at) {
    std::uint32_t number = 0;
    for (std::size_t i = 0; i < 4; ++i)
      number = number << 8U | static_cast<unsigned char>(png[at + i]);
    return number;
  };
  const PictureLayout layout = lay_out(figure, sample_context());
  EXPECT_EQ(number_at(16), std::lround(2 * layout.width));
  EXPECT_EQ(number_at(20), std::lround(2 * layout.height));
}

TEST(Picture, KeepsItsSourcesWithoutGnuplot) {
  const TemporaryDirectory directory;
  const Figure figure = sample_published();
  write_picture_sources(directory.path(), figure, sample_context());
  const auto sentence = draw_picture(directory.path(), figure, {.program = "no-such-gnuplot"});
  ASSERT_TRUE(sentence.has_value());
  EXPECT_THAT(*sentence, HasSubstr("install gnuplot"));
  EXPECT_THAT(*sentence, HasSubstr("gnuplot libevent-1-active.gp"));
  EXPECT_TRUE(std::filesystem::exists(directory.path() / "libevent-1-active.gp"));
  EXPECT_TRUE(std::filesystem::exists(directory.path() / "libevent-1-active.dat"));
}

// What draw_picture() throws with such a program in gnuplot's place.
std::string complaint_with(const std::filesystem::path& directory, const std::string& program,
                           std::chrono::milliseconds limit) {
  const std::filesystem::path path = directory / "gnuplot";
  std::ofstream(path) << "#!/bin/sh\n" << program << "\n";
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  return complaint([&] {
    return draw_picture(directory, sample_published(), {.program = path, .limit = limit});
  });
}

TEST(Picture, TellsOfAGnuplotThatFailsOrDoesNotEnd) {
  const TemporaryDirectory directory;
  write_picture_sources(directory.path(), sample_published(), sample_context());
  EXPECT_THAT(complaint_with(directory.path(), "echo 'line 7: invalid command' >&2; exit 3",
                             std::chrono::seconds(20)),
              HasSubstr("line 7: invalid command"));
  EXPECT_TRUE(std::filesystem::exists(directory.path() / "libevent-1-active.gp"));
  EXPECT_THAT(complaint_with(directory.path(), "sleep 1000", std::chrono::milliseconds(200)),
              HasSubstr("was ended"));
}

}  // namespace
}  // namespace echomux
