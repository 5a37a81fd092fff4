#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/program.hpp"
#include "tests/support/sample_results.hpp"
#include "tests/support/temporary_directory.hpp"

namespace echomux {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class ReportCommand : public ::testing::Test {
 protected:
  ReportCommand() { write_results(results(), sample_results()); }

  [[nodiscard]] std::string results() const { return (directory_ / "mine.json").string(); }
  [[nodiscard]] std::string page() const { return (directory_ / "page.html").string(); }
  [[nodiscard]] const TemporaryDirectory& directory() const { return directory_; }

  // Runs `echomux report` with these files.
  [[nodiscard]] Finished report(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "report");
    arguments.insert(arguments.end(), {"-o", page()});
    return run_program(arguments);
  }

 private:
  TemporaryDirectory directory_;
};

TEST_F(ReportCommand, WritesOnePageAndSaysWhere) {
  const Finished run = report({results()});
  EXPECT_EQ(run.status, 0);
  EXPECT_THAT(run.err, HasSubstr("report: " + page()));
  EXPECT_THAT(run.out, IsEmpty());
  EXPECT_THAT(file_text(page()), AllOf(StartsWith("<!DOCTYPE html>"), EndsWith("</html>\n"),
                                       HasSubstr("echomux report: mine.json")));
}

TEST_F(ReportCommand, WritesToStdout) {
  const Finished run = run_program({"report", results(), "-o", "-"});
  EXPECT_EQ(run.status, 0);
  EXPECT_THAT(run.out, StartsWith("<!DOCTYPE html>"));
}

TEST_F(ReportCommand, LeavesOutWhatAStarBringsAlong) {
  std::ofstream(directory() / "README.md") << "words";
  std::filesystem::create_directory(directory() / "figures");
  const Finished run = report({(directory() / "README.md").string(),
                               (directory() / "figures").string(), results(), results()});
  EXPECT_EQ(run.status, 0);
  EXPECT_THAT(run.err, AllOf(HasSubstr("README.md is no .json, left out"),
                             HasSubstr("figures is a directory, left out")));
  EXPECT_THAT(file_text(page()), HasSubstr(R"("comparisons":[])"));
}

TEST_F(ReportCommand, TellsFilesOfOneNameApart) {
  std::filesystem::create_directory(directory() / "other");
  const std::string other = (directory() / "other" / "mine.json").string();
  write_results(other, sample_results());
  const Finished run = report({results(), other});
  EXPECT_EQ(run.status, 0);
  EXPECT_THAT(file_text(page()), AllOf(HasSubstr("\"label\":\"" + results() + "\""),
                                       HasSubstr("\"label\":\"" + other + "\"")));
}

TEST_F(ReportCommand, NeverWritesOverResults) {
  const std::string before = file_text(results());
  const Finished run = run_program({"report", results(), "-o", results()});
  EXPECT_EQ(run.status, 2);
  EXPECT_THAT(run.err, HasSubstr("would write over the results"));
  EXPECT_EQ(file_text(results()), before);
}

TEST_F(ReportCommand, SaysWhatIsWrongWithAFile) {
  std::ofstream(directory() / "cut.json") << file_text(results()).substr(0, 1000);
  const Finished cut = report({results(), (directory() / "cut.json").string()});
  EXPECT_EQ(cut.status, 1);
  EXPECT_THAT(cut.err, AllOf(HasSubstr("cut.json"), HasSubstr("not a results file")));
  EXPECT_FALSE(std::filesystem::exists(page()));
  EXPECT_EQ(report({(directory() / "absent.json").string()}).status, 1);
  const Finished nothing = report({directory().path().string()});
  EXPECT_EQ(nothing.status, 2);
  EXPECT_THAT(nothing.err, HasSubstr("no results file among these"));
}

TEST_F(ReportCommand, SaysThatItCannotWrite) {
  const Finished run = run_program({"report", results(), "-o", "/proc/nowhere/page.html"});
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.err, HasSubstr("cannot write the report to /proc/nowhere/page.html"));
}

TEST_F(ReportCommand, ComesWithEveryBenchUnlessToldNotTo) {
  const std::vector<std::string> bench{"bench", "--backends", "epoll_lt", "--idle",
                                       "0",     "--duration", "0.1",      "--repetitions",
                                       "1",     "--force",    "-o",       results()};
  const std::filesystem::path beside = directory() / "mine.html";
  std::vector<std::string> without = bench;
  without.emplace_back("--no-report");
  EXPECT_EQ(run_program(without).status, 0);
  EXPECT_FALSE(std::filesystem::exists(beside));
  const Finished run = run_program(bench);
  EXPECT_EQ(run.status, 0);
  EXPECT_THAT(run.err, HasSubstr("report to look at: " + beside.string()));
  EXPECT_THAT(file_text(beside), HasSubstr("epoll_lt"));
}

TEST_F(ReportCommand, FindsClaimsAndFiguresBesideTheResults) {
  std::ofstream(directory() / "claims.json") << R"({"started": "", "build": {}, "machine": {},
      "claims": [{"id": "a", "sentence": "one", "verdict": "holds", "because": "two"}]})";
  std::filesystem::create_directory(directory() / "figures");
  std::ofstream(directory() / "figures/loops.json") << R"({"figures": ["a figure"]})";
  ASSERT_EQ(report({results()}).status, 0);
  EXPECT_THAT(file_text(page()), AllOf(HasSubstr(R"("sentence":"one")"), HasSubstr("a figure")));
  const Finished alone = report({(directory() / "claims.json").string(), "--force"});
  EXPECT_EQ(alone.status, 2);
  EXPECT_THAT(alone.err, HasSubstr("none of these is a results file"));
}

TEST_F(ReportCommand, DrawsNoFileThatIsNoFigure) {
  const Finished run = run_program({"draw", results(), "-o", "-"});
  EXPECT_EQ(run.status, 2);
  EXPECT_THAT(run.err, HasSubstr("neither the FIGURE.json"));
  const Finished gif = run_program({"draw", results(), "-o", "a.gif"});
  EXPECT_EQ(gif.status, 2);
  EXPECT_THAT(gif.err, HasSubstr("a picture is .svg or .png"));
}

}  // namespace
}  // namespace echomux
