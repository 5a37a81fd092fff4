#include "harness/bench/sweep.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "harness/text/field_json.hpp"
#include "tests/support/trials.hpp"

namespace echomux {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// The cells of one repetition, in their order.
std::vector<CellKey> order_of(const SweepPlan& plan, std::size_t repetition) {
  std::vector<CellKey> cells;
  for (const ScheduledTrial& trial : schedule_trials(plan)) {
    if (trial.repetition == repetition) cells.push_back(key(trial.cell));
  }
  return cells;
}

TEST(Schedule, HasEveryCellOnceInEachRepetition) {
  const SweepPlan plan = sample_plan();
  const std::vector<ScheduledTrial> all = schedule_trials(plan);
  ASSERT_EQ(all.size(), 8U * 12);
  for (std::size_t i = 0; i < all.size(); ++i) {
    // One repetition is over before the next one begins.
    EXPECT_EQ(all[i].repetition, 1 + i / 12);
    EXPECT_EQ(plan.servers.at(all[i].server).name, all[i].cell.server);
  }
  for (std::size_t repetition = 1; repetition <= 8; ++repetition) {
    const std::vector<CellKey> cells = order_of(plan, repetition);
    EXPECT_EQ(std::set(cells.begin(), cells.end()).size(), 12U);
  }
}

TEST(Schedule, FollowsFromTheSeed) {
  SweepPlan plan = sample_plan();
  const std::vector<CellKey> first = order_of(plan, 1);
  EXPECT_EQ(order_of(plan, 1), first);
  EXPECT_NE(order_of(plan, 2), first);
  plan.seed = 2;
  EXPECT_NE(order_of(plan, 1), first);
}

TEST(Schedule, LetsEveryCellComeInEveryPlace) {
  SweepPlan plan = sample_plan();
  plan.repetitions = 1200;
  std::map<CellKey, int> firsts;
  std::map<CellKey, int> lasts;
  const std::vector<ScheduledTrial> all = schedule_trials(plan);
  for (std::size_t i = 0; i < all.size(); i += 12) {
    ++firsts[key(all[i].cell)];
    ++lasts[key(all[i + 11].cell)];
  }
  for (const auto& counts : {firsts, lasts}) {
    EXPECT_EQ(counts.size(), 12U);
    for (const auto& [ignored, times] : counts) EXPECT_NEAR(times, 100, 40);
  }
}

// A reader who waits is to have the answer before all is measured.
TEST(Schedule, BeginsWithTheMostAndTheFewestIdleConnections) {
  SweepPlan plan = sample_plan();
  plan.slice = std::chrono::milliseconds(20);
  plan.idle_connections = {0, 10, 100, 1000};
  plan.rates = {500};
  std::set<std::size_t> firsts;
  for (plan.seed = 1; plan.seed <= 20; ++plan.seed) {
    std::set<std::size_t> rows;
    const std::vector<ScheduledTrial> all = schedule_trials(plan);
    for (std::size_t i = 0; i < 2 * plan.servers.size(); ++i) {
      rows.insert(all[i].cell.idle_connections);
    }
    EXPECT_EQ(rows, (std::set<std::size_t>{0, 1000}));
    firsts.insert(all.front().cell.idle_connections);
  }
  EXPECT_EQ(firsts.size(), 2U);
}

TEST(Schedule, OfNothingIsEmpty) {
  SweepPlan plan = sample_plan();
  plan.servers.clear();
  EXPECT_THAT(schedule_trials(plan), IsEmpty());
}

TEST(Outcome, ComesBackFromItsWord) {
  for (const OutcomeKind kind :
       {OutcomeKind::measured, OutcomeKind::starved, OutcomeKind::over_limit,
        OutcomeKind::not_possible, OutcomeKind::failed, OutcomeKind::interrupted}) {
    EXPECT_EQ(enumerator<OutcomeKind>(std::string(to_string(kind)), "outcome"), kind);
  }
  for (const char* const word : {"valid", ""}) {
    EXPECT_THROW(static_cast<void>(enumerator<OutcomeKind>(word, "outcome")),
                 std::invalid_argument);
  }
}

TEST(Outcome, IsOfTheKindThatItsEndTells) {
  RunOutcome outcome{.sentence = "it said so"};
  for (const auto& [end, kind] : {std::pair{RunEnd::completed, OutcomeKind::measured},
                                  {RunEnd::starved, OutcomeKind::starved},
                                  {RunEnd::refused, OutcomeKind::failed},
                                  {RunEnd::server_gone, OutcomeKind::failed},
                                  {RunEnd::corrupted, OutcomeKind::failed},
                                  {RunEnd::interrupted, OutcomeKind::interrupted}}) {
    outcome.end(end);
    EXPECT_EQ(outcome.kind, kind) << to_string(end);
    EXPECT_EQ(outcome.reason, end);
  }
  EXPECT_EQ(outcome.sentence, "it said so");
}

TEST(ServerCost, CountsCallsAndScansPerRequest) {
  ServerCost cost;
  cost.requests = 100;
  EXPECT_EQ(cost.system_calls_per_request(), std::nullopt);
  EXPECT_EQ(cost.scanned_per_request(), std::nullopt);
  cost.counters = {{"waits", 100},          {"recv_calls", 120},  {"send_calls", 110},
                   {"interest_changes", 4}, {"accept_calls", 16}, {"bytes", 9999}};
  EXPECT_EQ(cost.system_calls_per_request(), 3.5);
  EXPECT_EQ(cost.scanned_per_request(), std::nullopt);
  cost.counters["descriptors_scanned"] = 101'200;
  EXPECT_EQ(cost.scanned_per_request(), 1012);
  cost.requests = 0;
  EXPECT_EQ(cost.scanned_per_request(), std::nullopt);
  EXPECT_EQ(cost.system_calls_per_request(), std::nullopt);
}

TEST(CpuPlan, ExplainsItself) {
  const CpuPlan none = plan_cpus(false, false);
  EXPECT_TRUE(none.server.empty() && !none.client);
  EXPECT_THAT(none.explanation, HasSubstr("not pinned"));
  const CpuPlan pinned = plan_cpus(true, true);
  EXPECT_EQ(pinned.server.empty(), !pinned.client);
  if (pinned.server.empty()) return;
  EXPECT_NE(pinned.server.front(), pinned.client);
  EXPECT_THAT(pinned.explanation, Not(HasSubstr("not pinned")));
  // The other way round, as a user may choose.
  const CpuPlan chosen = plan_cpus(true, false, {*pinned.client});
  EXPECT_EQ(chosen.server, std::vector<int>{*pinned.client});
  EXPECT_NE(chosen.client, pinned.client);
  EXPECT_EQ(chosen.usable.size(), 2U);
}

}  // namespace
}  // namespace echomux
