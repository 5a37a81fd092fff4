#include "report/drawing.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/text/json.hpp"
#include "tests/support/complaint.hpp"
#include "tests/support/sample_figures.hpp"
#include "tests/support/temporary_directory.hpp"

namespace echomux {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

Json request_for(const Figure& figure) {
  return {{"kind", "figure"},
          {"record", to_json(sample_context(), Json::array({to_json(figure)}))},
          {"only", nullptr}};
}

// A program of the test's own in the place of an engine or a converter.
class Drawing : public ::testing::Test {
 protected:
  std::string program(const std::string& name, const std::string& text) {
    const std::filesystem::path path = directory_.path() / name;
    std::ofstream(path) << "#!/bin/sh\n" << text << "\n";
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return path;
  }

  std::string complaint_with(const std::string& engine, std::chrono::milliseconds limit) {
    return complaint([&] {
      return draw_svg(request_for(sample_published()), {.engines = {engine}, .limit = limit});
    });
  }

  TemporaryDirectory directory_;
};

TEST_F(Drawing, IsAnSvgWithEveryLineAndATextAlternative) {
  for (const Figure& figure : {sample_published(), sample_with_zero(), sample_two_quantities(),
                               sample_with_fit(), sample_crossing()}) {
    const auto svg = draw_svg(request_for(figure));
    if (!svg) GTEST_SKIP() << "not installed: " << no_engine_sentence();
    for (const char* const part : {"role=\"img\"", "<title", "<desc", "AMD EPYC", "</svg>\n"}) {
      EXPECT_THAT(*svg, HasSubstr(part)) << figure.id;
    }
    for (const std::string& line : figure.lines) EXPECT_THAT(*svg, HasSubstr(line)) << figure.id;
    EXPECT_THAT(*svg, Not(HasSubstr("NaN"))) << figure.id;
    EXPECT_THAT(*svg, Not(HasSubstr("undefined"))) << figure.id;
  }
}

TEST_F(Drawing, TakesForeignTextForTextOnly) {
  Figure figure = sample_published();
  const std::string hostile = "</text><script>alert(1)</script>\"' ${process.exit(9)}`\\\u2028&";
  figure.id = figure.title = figure.source = figure.axis_label = hostile;
  figure.lines.push_back(hostile);
  figure.measured[hostile] = figure.measured["poll"];
  const auto svg = draw_svg(request_for(figure));
  if (!svg) GTEST_SKIP() << "not installed: " << no_engine_sentence();
  EXPECT_THAT(*svg, Not(HasSubstr("<script")));
  EXPECT_THAT(*svg, HasSubstr("&lt;script&gt;alert(1)"));
}

TEST_F(Drawing, NamesTheLinesWhenThereIsNoneOfThatName) {
  Json request = request_for(sample_published());
  request["only"] = "kqueue";
  std::string text;
  try {
    if (!draw_svg(request)) GTEST_SKIP() << "not installed: " << no_engine_sentence();
  } catch (const std::runtime_error& error) {
    text = error.what();
  }
  EXPECT_EQ(text, "the figure has no line 'kqueue'; it has select, poll and epoll");
}

TEST_F(Drawing, TakesTheFirstEngineThatIsThere) {
  const auto svg = draw_svg(request_for(sample_published()),
                            {.engines = {"no-such-engine", program("qjs", "echo '<svg>'")}});
  EXPECT_EQ(svg, "<svg>\n");
  EXPECT_EQ(draw_svg(request_for(sample_published()), {.engines = {"no-such-engine"}}),
            std::nullopt);
  EXPECT_THAT(no_engine_sentence(), HasSubstr("install the package nodejs"));
}

TEST_F(Drawing, TellsOfAnEngineThatFailsOrDoesNotEnd) {
  const std::chrono::seconds long_enough(20);
  EXPECT_THAT(complaint_with(program("node", "exit 3"), long_enough), HasSubstr("failed"));
  EXPECT_THAT(complaint_with(program("node", "true"), long_enough), HasSubstr("drew nothing"));
  EXPECT_THAT(complaint_with(program("node", "exec sleep 1000"), std::chrono::milliseconds(200)),
              HasSubstr("was ended"));
}

TEST_F(Drawing, BecomesAPngByTheFirstConverter) {
  const std::filesystem::path png = directory_.path() / "a.png";
  const std::string converter = program("rsvg-convert", R"(cp "$3" "${2#--output=}")");
  EXPECT_FALSE(make_png("<svg/>", png, {.converters = {"no-such-converter"}}));
  EXPECT_TRUE(make_png("<svg/>", png, {.converters = {"no-such-converter", converter}}));
  EXPECT_EQ(file_text(png), "<svg/>");
  std::filesystem::remove(png);
  EXPECT_THAT(complaint([&] {
                return make_png("<svg/>", png, {.converters = {program("rsvg-convert", "true")}});
              }),
              HasSubstr("made no"));
  for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
    EXPECT_EQ(entry.path().filename(), "rsvg-convert") << "left behind";
  }
}

TEST_F(Drawing, IsAPngOfTwiceTheSize) {
  const auto svg = draw_svg(request_for(sample_published()));
  const std::filesystem::path png = directory_.path() / "a.png";
  if (!svg || !make_png(*svg, png)) GTEST_SKIP() << "not installed: a converter";
  const std::string bytes = file_text(png);
  ASSERT_GT(bytes.size(), 24U);
  EXPECT_THAT(bytes, StartsWith("\x89PNG\r\n\x1a\n"));
  const auto number_at = [&](std::size_t at) {
    return static_cast<unsigned char>(bytes[at]) * 256 + static_cast<unsigned char>(bytes[at + 1]);
  };
  EXPECT_EQ(number_at(18), 2 * 880);
}

}  // namespace
}  // namespace echomux
