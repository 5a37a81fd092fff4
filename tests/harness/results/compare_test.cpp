#include "harness/results/compare.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/sample_results.hpp"

namespace echomux {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Adds a cell with so many trials, whose p50s are `first` and each a little more than the last.
void add_cell(Results& results, const std::string& server, std::size_t repetitions, double first) {
  add_cell(results, server, 100, repetitions, [first](Trial& trial) {
    trial.load->latency_us.p50 = first + 0.1 * static_cast<double>(trial.repetition);
  });
}

// So many cells of so many trials each.
Results many_cells(std::size_t cells, std::size_t repetitions, double first) {
  Results results;
  for (std::size_t i = 0; i < cells; ++i) {
    add_cell(results, "server " + std::to_string(i), repetitions, first);
  }
  return results;
}

Comparison compare_p50(const Results& a, const Results& b) {
  return compare(a, b, find_metric("latency_us_p50"));
}

std::vector<ComparisonVerdict> verdicts(const Comparison& comparison) {
  std::vector<ComparisonVerdict> all;
  for (const CellComparison& cell : comparison.cells) all.push_back(cell.verdict);
  return all;
}

TEST(Compare, ShowsNoDifferenceBetweenARunAndItself) {
  const Results results = many_cells(2, 7, 50);
  const Comparison comparison = compare_p50(results, results);
  EXPECT_THAT(verdicts(comparison),
              ElementsAre(ComparisonVerdict::no_difference, ComparisonVerdict::no_difference));
  EXPECT_THAT(comparison.differences, IsEmpty());
  const CellComparison& cell = comparison.cells.at(0);
  EXPECT_EQ(cell.metric, "latency_us_p50");
  EXPECT_DOUBLE_EQ(cell.ratio->ratio, 1);
  ASSERT_TRUE(cell.ratio->bounds.has_value());
  EXPECT_LT(cell.ratio->bounds->low, 1);
  EXPECT_GT(cell.ratio->bounds->high, 1);
  EXPECT_GT(cell.p, 0.9);
}

TEST(Compare, TellsLowerFromHigher) {
  Results a;
  Results b;
  add_cell(a, "better", 7, 100);
  add_cell(b, "better", 7, 80);
  add_cell(a, "worse", 7, 50);
  add_cell(b, "worse", 7, 60);
  const Comparison comparison = compare_p50(a, b);
  ASSERT_THAT(verdicts(comparison),
              ElementsAre(ComparisonVerdict::lower, ComparisonVerdict::higher));
  const CellComparison& lower = comparison.cells.at(0);
  EXPECT_EQ(lower.cell.server, "better");
  EXPECT_EQ(lower.count_a, 7U);
  EXPECT_EQ(lower.count_b, 7U);
  EXPECT_DOUBLE_EQ(lower.median_a, 100.4);
  EXPECT_DOUBLE_EQ(lower.median_b, 80.4);
  EXPECT_NEAR(lower.ratio->ratio, 0.8, 0.01);
  ASSERT_TRUE(lower.ratio->bounds.has_value());
  EXPECT_LT(lower.ratio->bounds->high, 1);
  // The clearest of C(14, 7) orders on either side, and one of two tests.
  EXPECT_NEAR(lower.p, 2.0 / 3432, 1e-9);
  EXPECT_NEAR(lower.p_corrected, 4.0 / 3432, 1e-9);
  const CellComparison& higher = comparison.cells.at(1);
  EXPECT_NEAR(higher.ratio->ratio, 1.2, 0.01);
  ASSERT_TRUE(higher.ratio->bounds.has_value());
  EXPECT_GT(higher.ratio->bounds->low, 1);
}

TEST(Compare, JudgesNothingByThreeTrialsEach) {
  const Comparison comparison = compare_p50(many_cells(1, 3, 100), many_cells(1, 3, 10));
  EXPECT_THAT(verdicts(comparison), ElementsAre(ComparisonVerdict::too_few));
  EXPECT_NEAR(comparison.cells.at(0).p, 0.1, 1e-9);
}

TEST(Compare, WantsMoreTrialsForMoreCells) {
  const auto of_cells = [](std::size_t cells) {
    return verdicts(compare_p50(many_cells(cells, 6, 100), many_cells(cells, 6, 10)));
  };
  EXPECT_THAT(of_cells(32), Each(ComparisonVerdict::too_few));
  // 2 / C(12, 6) times 23 is below 5 %, times 24 above.
  EXPECT_THAT(of_cells(24), Each(ComparisonVerdict::too_few));
  EXPECT_THAT(of_cells(23), Each(ComparisonVerdict::lower));
}

TEST(Compare, CorrectsForTheNumberOfCells) {
  // The two overlap, so that p is below 5 %, but not when it is multiplied by ten.
  const auto with_further_cells = [](std::size_t cells) {
    Results a;
    Results b;
    add_cell(a, "first", 7, 50);
    add_cell(b, "first", 7, 50.35);
    for (std::size_t i = 0; i < cells; ++i) {
      add_cell(a, std::to_string(i), 7, 50);
      add_cell(b, std::to_string(i), 7, 50.02);
    }
    return compare_p50(a, b).cells.at(0);
  };
  const CellComparison alone = with_further_cells(0);
  EXPECT_EQ(alone.verdict, ComparisonVerdict::higher);
  EXPECT_EQ(alone.p_corrected, alone.p);
  const CellComparison among = with_further_cells(9);
  EXPECT_NEAR(among.p_corrected, 10 * alone.p, 1e-9);
  EXPECT_EQ(among.verdict, ComparisonVerdict::no_difference);
}

TEST(Compare, SaysWhichCellsAreInOneOnly) {
  Results a = many_cells(1, 7, 50);
  Results b = many_cells(1, 7, 60);
  add_cell(a, "only in a", 7, 50);
  add_cell(b, "only in b", 6, 70);
  // A cell without figures is no cell to compare.
  add_cell(b, "nowhere", 7, 50);
  for (Trial& trial : b.trials) {
    if (trial.cell.server == "nowhere") trial.cost.reset();
  }
  const Comparison comparison = compare_p50(a, b);
  ASSERT_THAT(verdicts(comparison),
              ElementsAre(ComparisonVerdict::higher, ComparisonVerdict::only_in_one,
                          ComparisonVerdict::only_in_one));
  EXPECT_EQ(comparison.cells.at(1).cell.server, "only in a");
  EXPECT_EQ(comparison.cells.at(1).count_a, 7U);
  EXPECT_EQ(comparison.cells.at(1).count_b, 0U);
  EXPECT_EQ(comparison.cells.at(2).cell.server, "only in b");
  EXPECT_EQ(comparison.cells.at(2).count_a, 0U);
  EXPECT_EQ(comparison.cells.at(2).count_b, 6U);
  EXPECT_DOUBLE_EQ(comparison.cells.at(2).median_b, 70.35);
  // They take no part in the correction.
  EXPECT_EQ(comparison.cells.at(0).p_corrected, comparison.cells.at(0).p);
}

TEST(Compare, ListsWhatTheTwoWereMadeWith) {
  const Results a = many_cells(1, 7, 50);
  Results b = a;
  b.context.machine.cpu_model = "another CPU";
  b.context.build.git_commit = "0123456789ab";
  b.context.build.code_digest = "0123456789abcdef";
  b.context.build.compiler = "another compiler";
  b.context.build.build_type = "Debug";
  b.context.build.flags = "-O0";
  b.context.cpu_plan = "not pinned";
  b.context.plan.load.active_connections = 20;
  b.context.plan.load.message_bytes = 4096;
  b.context.plan.load.duration = std::chrono::seconds(5);
  // What can't matter, or differs each time.
  b.context.started = "2026-01-01T00:00:00Z";
  b.context.command = {"echomux"};
  b.context.machine.load_averages = {3, 2, 1};
  EXPECT_THAT(compare_p50(a, b).differences,
              ElementsAre("The CPU model differs: none against another CPU.",
                          "git commit:  and 0123456789ab",
                          "code that measures: not told and 0123456789abcdef",
                          "compiler:  and another compiler", "build type:  and Debug",
                          "compiler flags:  and -O0", "CPUs:  and not pinned",
                          "active connections: 10 and 20", "message bytes: 64 and 4096",
                          "seconds measured per trial: 1 and 5"));
}

}  // namespace
}  // namespace echomux
