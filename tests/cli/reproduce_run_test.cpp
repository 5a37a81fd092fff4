#include "cli/reproduce_run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "cli/command.hpp"
#include "harness/text/json.hpp"
#include "tests/support/sample_figures.hpp"
#include "tests/support/temporary_directory.hpp"

namespace echomux {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

void describe_nothing(Figure& /*figure*/) {}

constexpr FigureEntry published{"libevent-1-active", "", 20, describe_nothing,
                                [](Figure& figure, const FigureRun& run) {
                                  run.progress("round 1 of 7");
                                  figure = sample_published();
                                }};
constexpr FigureEntry with_fit{
    "active-share", "", 40, describe_nothing,
    [](Figure& figure, const FigureRun& /*run*/) { figure = sample_with_fit(); }};
constexpr FigureEntry failing{"failing", "", 10, describe_nothing,
                              [](Figure& /*figure*/, const FigureRun& /*run*/) {
                                throw std::runtime_error("out of descriptors");
                              }};

class ReproduceRun : public ::testing::Test {
 protected:
  ReproduceRun() { options_.context = sample_context(); }

  int run(const std::vector<const FigureEntry*>& entries) {
    return run_figures(entries, options_, out_, err_, stop_.get_token());
  }

  TemporaryDirectory directory_;
  ReproduceOptions options_;
  std::ostringstream out_;
  std::ostringstream err_;
  std::stop_source stop_;
};

TEST_F(ReproduceRun, WritesEveryFilePerFigure) {
  options_.directory = directory_.path() / "new";
  EXPECT_EQ(run({&published, &with_fit}), exit_ok);
  for (const char* const file : {"libevent-1-active", "active-share"}) {
    for (const char* const end : {".json", ".dat", ".gp"}) {
      EXPECT_TRUE(std::filesystem::exists(options_.directory / (std::string(file) + end))) << end;
    }
  }
  const auto json = Json::parse(file_text(options_.directory / "libevent-1-active.json"));
  EXPECT_EQ(json.at("started"), "2026-01-31T12:00:00Z");
  EXPECT_EQ(json.at("build").at("git_commit"), "0123456789ab");
  EXPECT_EQ(json.at("machine").at("cpu_model"), "AMD EPYC");
  EXPECT_EQ(json.at("command").at(1), "reproduce");
  EXPECT_EQ(json.at("figures").size(), 1U);
  EXPECT_THAT(out_.str(), HasSubstr("active-share: CPU per request"));
}

TEST_F(ReproduceRun, WritesWhatItPrintsAsJson) {
  options_.directory = directory_.path();
  options_.json = true;
  EXPECT_EQ(run({&with_fit}), exit_ok);
  EXPECT_EQ(out_.str(), file_text(directory_.path() / "active-share.json"));
}

TEST_F(ReproduceRun, DoesNotLetOneFigureCostTheOthers) {
  options_.directory = directory_.path();
  EXPECT_EQ(run({&failing, &published}), exit_failure);
  EXPECT_THAT(err_.str(), HasSubstr("failing could not be measured: out of descriptors"));
  EXPECT_THAT(out_.str(), HasSubstr("libevent-1-active: "));
  EXPECT_TRUE(std::filesystem::exists(directory_.path() / "libevent-1-active.json"));
  EXPECT_FALSE(std::filesystem::exists(directory_.path() / "failing.json"));
}

TEST_F(ReproduceRun, KeepsWhatWasMeasuredWhenThePictureFails) {
  options_.directory = directory_.path();
  options_.tools.engines = {"/bin/false"};
  EXPECT_EQ(run({&published}), exit_failure);
  EXPECT_THAT(err_.str(), HasSubstr("drew nothing"));
  EXPECT_THAT(out_.str(), HasSubstr("libevent-1-active: "));
  EXPECT_TRUE(std::filesystem::exists(directory_.path() / "libevent-1-active.json"));
}

TEST_F(ReproduceRun, DoesNotFailForWantOfAnEngine) {
  options_.directory = directory_.path();
  options_.tools.engines = {"no-such-engine"};
  EXPECT_EQ(run({&published}), exit_ok);
  EXPECT_THAT(err_.str(), HasSubstr("install the package nodejs"));
  EXPECT_TRUE(std::filesystem::exists(directory_.path() / "libevent-1-active.gp"));
}

TEST_F(ReproduceRun, SaysWhatMakesPng) {
  options_.directory = directory_.path();
  options_.png = true;
  options_.tools = {.engines = {directory_.path() / "node"}, .converters = {"no-such-converter"}};
  std::ofstream(directory_.path() / "node") << "#!/bin/sh\necho '<svg/>'\n";
  std::filesystem::permissions(directory_.path() / "node", std::filesystem::perms::owner_all);
  EXPECT_EQ(run({&published}), exit_ok);
  EXPECT_THAT(err_.str(), HasSubstr("install the package librsvg2-bin"));
  EXPECT_EQ(file_text(directory_.path() / "libevent-1-active.svg"), "<svg/>\n");
}

TEST_F(ReproduceRun, MeasuresNothingThatCouldNotBeWritten) {
  std::ofstream(directory_.path() / "file") << "in the way";
  options_.directory = directory_.path() / "file" / "below";
  EXPECT_THROW(run({&published}), std::runtime_error);
  EXPECT_EQ(out_.str(), "");
}

TEST_F(ReproduceRun, TellsWhichFigureAndHowLongTheRestTakes) {
  EXPECT_EQ(run({&published, &with_fit}), exit_ok);
  EXPECT_THAT(err_.str(), HasSubstr("figure 1 of 2 (about 01:00 left) libevent-1-active\n"));
  EXPECT_THAT(err_.str(), HasSubstr("figure 2 of 2"));
  EXPECT_THAT(err_.str(), Not(HasSubstr("round 1 of 7")));  // not ten seconds later
  options_.terminal = true;
  EXPECT_EQ(run({&published}), exit_ok);
  EXPECT_THAT(err_.str(), HasSubstr("\r\x1b[Kfigure 1 of 1 (about 00:20 left) round 1 of 7"));
}

TEST_F(ReproduceRun, ShowsWhatWasCompleteWhenInterrupted) {
  stop_.request_stop();
  EXPECT_EQ(run({&published}), exit_interrupted);
  EXPECT_THAT(err_.str(), HasSubstr("interrupted"));
}

}  // namespace
}  // namespace echomux
