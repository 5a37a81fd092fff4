#include "harness/sweep.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>
#include <tuple>

#include "harness/summary.hpp"
#include "tests/support/trials.hpp"

namespace echomux {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

SweepPlan sample_plan() {
  SweepPlan plan;
  plan.servers = {{.name = "poll", .backend = "poll", .options = {}, .command = {}},
                  {.name = "epoll", .backend = "epoll_lt", .options = {}, .command = {}},
                  {.name = "mine", .backend = {}, .options = {}, .command = "./mine"}};
  plan.idle_connections = {0, 100};
  plan.rates = {0, 1000};
  plan.repetitions = 8;
  return plan;
}

using CellKey = std::tuple<std::string, std::size_t, double>;

CellKey key(const Cell& cell) {
  return {cell.server, cell.idle_connections, cell.rate};
}

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

TEST(Schedule, OfNothingIsEmpty) {
  SweepPlan plan = sample_plan();
  plan.servers.clear();
  EXPECT_THAT(schedule_trials(plan), IsEmpty());
}

TEST(Outcome, ComesBackFromItsWord) {
  for (const TrialOutcome outcome :
       {TrialOutcome::measured, TrialOutcome::starved, TrialOutcome::over_limit,
        TrialOutcome::not_possible, TrialOutcome::failed, TrialOutcome::interrupted}) {
    EXPECT_EQ(outcome_from(to_string(outcome)), outcome);
  }
  EXPECT_THROW(static_cast<void>(outcome_from("valid")), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(outcome_from("")), std::invalid_argument);
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

// The circumstances of a pinned sweep with a client that is far from its limit.
TrialCircumstances good_circumstances() {
  return {.client_cpus = {0}, .client_ceiling_rps = 100'000, .never_sleeps = false};
}

TEST(TrialJudgement, FindsNoFaultWithACleanTrial) {
  const Judgement judgement = judge_trial(clean_trial(), good_circumstances());
  EXPECT_EQ(judgement.verdict, Verdict::valid);
  EXPECT_THAT(codes(judgement), IsEmpty());
}

TEST(TrialJudgement, CallsABusyServerSaturated) {
  Trial trial = clean_trial();
  trial.cost->busy_share = 0.949;
  EXPECT_THAT(codes(judge_trial(trial, good_circumstances())), IsEmpty());
  trial.cost->busy_share = 0.95;
  Judgement judgement = judge_trial(trial, good_circumstances());
  EXPECT_EQ(judgement.verdict, Verdict::saturated);
  EXPECT_THAT(codes(judgement), ElementsAre("saturated"));
  EXPECT_THAT(judgement.reasons.at(0).sentence, HasSubstr("95 %"));

  TrialCircumstances busy_poll = good_circumstances();
  busy_poll.never_sleeps = true;
  judgement = judge_trial(trial, busy_poll);
  EXPECT_EQ(judgement.verdict, Verdict::saturated);
  EXPECT_THAT(judgement.reasons.at(0).sentence, HasSubstr("never sleeps"));
}

TEST(TrialJudgement, ExcusesWhatASaturatedServerFallsBehindBy) {
  Trial trial = clean_trial();
  trial.load->achieved_rps = 500;
  trial.load->unanswered = 20;
  trial.load->timed_out = 20;
  trial.load->drift_p = 0;
  trial.load->drift_relative_change = 2;
  const std::vector<std::string> limits{"achieved_below_offered", "unanswered", "timed_out",
                                        "drift"};
  Judgement judgement = judge_trial(trial, good_circumstances());
  EXPECT_EQ(judgement.verdict, Verdict::invalid);
  EXPECT_THAT(codes(judgement), ::testing::UnorderedElementsAreArray(limits));

  trial.cost->busy_share = 1;
  judgement = judge_trial(trial, good_circumstances());
  EXPECT_EQ(judgement.verdict, Verdict::saturated);
  EXPECT_THAT(codes(judgement), UnorderedElementsAre("achieved_below_offered", "unanswered",
                                                     "timed_out", "drift", "saturated"));
  for (const Reason& reason : judgement.reasons) EXPECT_EQ(reason.verdict, Verdict::saturated);
}

TEST(TrialJudgement, ExcusesNothingElseOfASaturatedServer) {
  Trial trial = clean_trial();
  trial.cost->busy_share = 1;
  trial.load->client_busy_share = 1;
  const Judgement judgement = judge_trial(trial, good_circumstances());
  EXPECT_EQ(judgement.verdict, Verdict::invalid);
  EXPECT_THAT(codes(judgement), ElementsAre("client_overloaded", "saturated"));
}

TEST(TrialJudgement, MindsACpuThatClientAndServerShare) {
  Trial trial = clean_trial();
  TrialCircumstances circumstances = good_circumstances();
  circumstances.client_cpus = {1};
  Judgement judgement = judge_trial(trial, circumstances);
  EXPECT_EQ(judgement.verdict, Verdict::invalid);
  EXPECT_THAT(codes(judgement), ElementsAre("shared_cpu"));
  EXPECT_THAT(judgement.reasons.at(0).sentence, HasSubstr("CPU 1"));

  // With another CPU to go to, it isn't sure that they did.
  for (const auto& [server, client] : {std::pair{std::vector{0, 1}, std::vector{1}},
                                       std::pair{std::vector{1}, std::vector{0, 1}}}) {
    trial.cost->cpus = server;
    circumstances.client_cpus = client;
    judgement = judge_trial(trial, circumstances);
    EXPECT_EQ(judgement.verdict, Verdict::suspect);
    EXPECT_THAT(codes(judgement), ElementsAre("shared_cpu"));
  }
}

TEST(TrialJudgement, MindsAClientNearItsOwnLimit) {
  Trial trial = clean_trial();
  TrialCircumstances circumstances = good_circumstances();
  circumstances.client_ceiling_rps = 1000 / 0.9;
  EXPECT_THAT(codes(judge_trial(trial, circumstances)), IsEmpty());
  circumstances.client_ceiling_rps = 1110;
  const Judgement judgement = judge_trial(trial, circumstances);
  EXPECT_EQ(judgement.verdict, Verdict::suspect);
  EXPECT_THAT(codes(judgement), ElementsAre("client_near_limit"));

  // Where it is at full speed, or where the server is what limits it, that is no news.
  trial.cost->busy_share = 1;
  EXPECT_THAT(codes(judge_trial(trial, circumstances)), ElementsAre("saturated"));
  trial.cost->busy_share = 0.5;
  trial.cell.rate = 0;
  trial.load->offered_rps.reset();
  EXPECT_THAT(codes(judge_trial(trial, circumstances)), IsEmpty());
  circumstances.client_ceiling_rps.reset();
  trial.cell.rate = 1000;
  EXPECT_THAT(codes(judge_trial(trial, circumstances)), IsEmpty());
}

TEST(TrialJudgement, MindsAServerThatWaitedForItsCpu) {
  Trial trial = clean_trial();
  trial.load->latency_us.p99 = 201;
  trial.cost->run_queue_share = 0.01;
  trial.cost->steal_share = 0.01;
  EXPECT_THAT(codes(judge_trial(trial, good_circumstances())), IsEmpty());
  trial.cost->run_queue_share = 0.0101;
  const Judgement judgement = judge_trial(trial, good_circumstances());
  EXPECT_EQ(judgement.verdict, Verdict::suspect);
  EXPECT_THAT(codes(judgement), ElementsAre("tail_not_the_servers"));
  trial.cost->run_queue_share.reset();
  EXPECT_THAT(codes(judge_trial(trial, good_circumstances())), IsEmpty());
  trial.cost->steal_share = 0.0101;
  EXPECT_THAT(codes(judge_trial(trial, good_circumstances())), ElementsAre("tail_not_the_servers"));
  // A short tail needs no explanation, and that of a saturated server is its own.
  trial.load->latency_us.p99 = 200;
  EXPECT_THAT(codes(judge_trial(trial, good_circumstances())), IsEmpty());
  trial.load->latency_us.p99 = 201;
  trial.cost->busy_share = 1;
  EXPECT_THAT(codes(judge_trial(trial, good_circumstances())), ElementsAre("saturated"));
}

TEST(TrialJudgement, TellsLimitsFromFailures) {
  Trial trial;
  trial.note = "limit 1012";
  for (const TrialOutcome outcome : {TrialOutcome::over_limit, TrialOutcome::not_possible}) {
    trial.outcome = outcome;
    const Judgement judgement = judge_trial(trial, {});
    EXPECT_EQ(judgement.verdict, Verdict::not_possible);
    EXPECT_THAT(codes(judgement), ElementsAre("not_possible"));
    EXPECT_EQ(judgement.reasons.at(0).sentence, "limit 1012");
  }
  trial.outcome = TrialOutcome::failed;
  trial.note = "it did not start";
  const Judgement judgement = judge_trial(trial, {});
  EXPECT_EQ(judgement.verdict, Verdict::invalid);
  EXPECT_THAT(codes(judgement), ElementsAre("failed"));
  EXPECT_EQ(judgement.reasons.at(0).sentence, "it did not start");
}

TEST(TrialJudgement, KnowsAFailureThatTheClientDidNotSee) {
  Trial trial = clean_trial();
  trial.outcome = TrialOutcome::failed;
  trial.note = "the server process ended by itself";
  const Judgement judgement = judge_trial(trial, good_circumstances());
  EXPECT_EQ(judgement.verdict, Verdict::invalid);
  EXPECT_THAT(codes(judgement), ElementsAre("failed"));
}

TEST(TrialJudgement, ExcusesNoFailureByABusyServer) {
  Trial trial = clean_trial();
  trial.outcome = TrialOutcome::failed;
  trial.load->unanswered = 1;
  trial.cost->busy_share = 1;
  EXPECT_EQ(judge_trial(trial, good_circumstances()).verdict, Verdict::invalid);
}

TEST(TrialJudgement, BelievesThatAServerStarves) {
  Trial trial = clean_trial();
  trial.outcome = TrialOutcome::starved;
  trial.cost.reset();
  trial.load->end = SwarmEnd::starved;
  trial.load->requests = 0;
  const Judgement judgement = judge_trial(trial, good_circumstances());
  EXPECT_EQ(judgement.verdict, Verdict::starved);
  EXPECT_THAT(codes(judgement), ElementsAre("starved"));
}

constexpr auto no_change = [](Trial&, std::size_t) {};

// One cell, with so many trials whose p50 is 51, 52 and so on; `change` has its way with each.
Results one_cell(std::size_t repetitions,
                 const std::function<void(Trial&, std::size_t)>& change = no_change) {
  Results results;
  results.context.plan = sample_plan();
  results.context.plan.repetitions = repetitions;
  for (std::size_t repetition = 1; repetition <= repetitions; ++repetition) {
    Trial trial = clean_trial({"poll", 100, 1000}, repetition);
    trial.load->latency_us.p50 = 50 + static_cast<double>(repetition);
    change(trial, repetition);
    results.trials.push_back(trial);
  }
  return results;
}

CellSummary summary_of(const Results& results) {
  const std::vector<CellSummary> cells = summarize(results);
  if (cells.size() != 1) throw std::runtime_error("not one cell");
  return cells.front();
}

void make_invalid(Trial& trial) {
  trial.judgement = {};
  trial.judgement.add(Verdict::invalid, "client_overloaded", "the client was busy");
}

TEST(Summary, HasTheMedianAndItsInterval) {
  const CellSummary cell = summary_of(one_cell(7));
  EXPECT_EQ(cell.cell, (Cell{"poll", 100, 1000}));
  EXPECT_EQ(cell.trials, 7U);
  EXPECT_EQ(cell.used, 7U);
  EXPECT_EQ(cell.median("latency_us_p50"), 54);
  const MetricSummary& p50 = cell.metrics.at("latency_us_p50");
  EXPECT_THAT(p50.values, ElementsAre(51, 52, 53, 54, 55, 56, 57));
  ASSERT_TRUE(p50.interval.bounds.has_value());
  EXPECT_EQ(p50.interval.bounds->low, 51);
  EXPECT_EQ(p50.interval.bounds->high, 57);
  EXPECT_THAT(p50.outliers, IsEmpty());
  EXPECT_EQ(cell.judgement.verdict, Verdict::valid);
  // No trial has this figure.
  EXPECT_EQ(cell.median("user_us_per_request"), std::nullopt);
  EXPECT_EQ(cell.median("no such thing"), std::nullopt);
}

TEST(Summary, GoesInTheOrderOfThePlanNotOfTheTrials) {
  Results results;
  results.context.plan = sample_plan();
  for (const ScheduledTrial& trial : schedule_trials(results.context.plan)) {
    results.trials.push_back(clean_trial(trial.cell, trial.repetition));
  }
  std::vector<CellKey> seen;
  for (const CellSummary& cell : summarize(results)) {
    seen.push_back(key(cell.cell));
    EXPECT_EQ(cell.trials, 8U);
  }
  std::vector<CellKey> expected;
  for (const std::size_t idle : {0U, 100U}) {
    for (const double rate : {0.0, 1000.0}) {
      for (const char* const server : {"poll", "epoll", "mine"}) {
        expected.emplace_back(server, idle, rate);
      }
    }
  }
  EXPECT_EQ(seen, expected);
}

TEST(Summary, LeavesOutInvalidTrials) {
  const CellSummary cell = summary_of(one_cell(7, [](Trial& trial, std::size_t repetition) {
    if (repetition <= 2) make_invalid(trial);
  }));
  EXPECT_EQ(cell.trials, 7U);
  EXPECT_EQ(cell.used, 5U);
  EXPECT_THAT(cell.metrics.at("latency_us_p50").values, ElementsAre(53, 54, 55, 56, 57));
  EXPECT_EQ(cell.median("latency_us_p50"), 55);
  // Two of seven don't decide, but are told of.
  EXPECT_EQ(cell.judgement.verdict, Verdict::valid);
  ASSERT_THAT(codes(cell.judgement), ElementsAre("client_overloaded"));
  EXPECT_EQ(cell.judgement.reasons.at(0).sentence, "2 of 7 trials: the client was busy");
}

TEST(Summary, ShowsTheFiguresWhenAllTrialsAreInvalid) {
  const CellSummary cell =
      summary_of(one_cell(3, [](Trial& trial, std::size_t) { make_invalid(trial); }));
  EXPECT_EQ(cell.trials, 3U);
  EXPECT_EQ(cell.used, 3U);
  EXPECT_EQ(cell.median("latency_us_p50"), 52);
  EXPECT_EQ(cell.judgement.verdict, Verdict::invalid);
}

TEST(Summary, IsInvalidWhenHalfTheTrialsAreThoughForDifferentReasons) {
  const auto spoil = [](std::size_t invalid) {
    return summary_of(one_cell(6, [=](Trial& trial, std::size_t repetition) {
      if (repetition > invalid) return;
      trial.judgement.add(Verdict::invalid, "reason " + std::to_string(repetition), "because");
    }));
  };
  EXPECT_EQ(spoil(2).judgement.verdict, Verdict::valid);
  EXPECT_EQ(spoil(3).judgement.verdict, Verdict::invalid);
  EXPECT_EQ(spoil(3).judgement.reasons.at(0).code, "mostly_invalid");
}

TEST(Summary, LetsAReasonOfHalfTheTrialsDecide) {
  const auto suspect = [](std::size_t times) {
    return summary_of(one_cell(6, [=](Trial& trial, std::size_t repetition) {
      if (repetition <= times) trial.judgement.add(Verdict::suspect, "drift", "it rose");
    }));
  };
  EXPECT_EQ(suspect(2).judgement.verdict, Verdict::valid);
  EXPECT_THAT(codes(suspect(2).judgement), ElementsAre("drift"));
  EXPECT_EQ(suspect(3).judgement.verdict, Verdict::suspect);
  EXPECT_EQ(suspect(3).used, 6U);
}

TEST(Summary, NamesTheRepetitionsOfOutliers) {
  Results results = one_cell(8, [](Trial& trial, std::size_t repetition) {
    if (repetition == 1) make_invalid(trial);
    if (repetition == 5) trial.load->latency_us.p50 = 500;
  });
  std::ranges::reverse(results.trials);
  const CellSummary cell = summary_of(results);
  EXPECT_THAT(cell.metrics.at("latency_us_p50").outliers, ElementsAre(5));
  EXPECT_THAT(cell.metrics.at("latency_us_p50").values, Contains(500));
  EXPECT_THAT(cell.metrics.at("latency_us_p99").outliers, IsEmpty());
}

TEST(Summary, MindsAWideInterval) {
  // The median is 54, and so the interval may be 27 wide.
  const auto widest = [](double p50) {
    return summary_of(one_cell(7, [=](Trial& trial, std::size_t repetition) {
      if (repetition == 7) trial.load->latency_us.p50 = p50;
    }));
  };
  EXPECT_THAT(codes(widest(78).judgement), IsEmpty());
  EXPECT_THAT(codes(widest(78.1).judgement), ElementsAre("wide_interval"));
  EXPECT_EQ(widest(78.1).judgement.verdict, Verdict::suspect);
  EXPECT_THAT(widest(78.1).judgement.reasons.at(0).sentence, HasSubstr("latency_us_p50"));
  // No interval, no judgement on it.
  const CellSummary few = summary_of(one_cell(5, [](Trial& trial, std::size_t repetition) {
    trial.load->latency_us.p50 = 50 * static_cast<double>(repetition);
  }));
  EXPECT_THAT(codes(few.judgement), IsEmpty());
}

TEST(Summary, OfAStarvedCellHasNoFigures) {
  const CellSummary cell = summary_of(one_cell(2, [](Trial& trial, std::size_t) {
    trial.outcome = TrialOutcome::starved;
    trial.note = "starved: 0 of 10 served";
    trial.load->end = SwarmEnd::starved;
    trial.load->requests = 0;
    trial.cost.reset();
    trial.judgement = judge(*trial.load);
  }));
  EXPECT_EQ(cell.trials, 2U);
  EXPECT_EQ(cell.used, 0U);
  EXPECT_EQ(cell.outcome, TrialOutcome::starved);
  EXPECT_EQ(cell.note, "starved: 0 of 10 served");
  EXPECT_EQ(cell.judgement.verdict, Verdict::starved);
  EXPECT_EQ(cell.median("latency_us_p50"), std::nullopt);
}

TEST(Summary, DoesNotCountATrialThatWasCutOff) {
  Results results = one_cell(3, [](Trial& trial, std::size_t repetition) {
    if (repetition == 3) trial.outcome = TrialOutcome::interrupted;
  });
  EXPECT_EQ(summary_of(results).trials, 2U);
  EXPECT_EQ(summary_of(results).outcome, TrialOutcome::measured);
  results.trials.erase(results.trials.begin(), results.trials.begin() + 2);
  EXPECT_THAT(summarize(results), IsEmpty());
}

TEST(Summary, HasWhatTheKernelCounted) {
  Results results = one_cell(1);
  EXPECT_EQ(summary_of(results).system_calls_per_request, std::nullopt);
  results.system_calls = {{{"epoll", 100, 1000}, 9, {}}, {{"poll", 100, 1000}, 3.5, {}}};
  EXPECT_EQ(summary_of(results).system_calls_per_request, 3.5);
}

TEST(Metrics, AreFoundByName) {
  for (const Metric& metric : metrics()) EXPECT_EQ(&find_metric(metric.name), &metric);
  try {
    static_cast<void>(find_metric("speed"));
    FAIL() << "found";
  } catch (const std::invalid_argument& error) {
    EXPECT_THAT(error.what(), HasSubstr("no metric 'speed'"));
    EXPECT_THAT(error.what(), HasSubstr("latency_us_p50, latency_us_p99"));
  }
}

TEST(Metrics, AreTheTrialsOwnFigures) {
  Trial trial = clean_trial();
  trial.load->client_cpu_us_per_request = 11;
  trial.load->achieved_rps = 999;
  trial.cost->counters = {{"waits", 1500}, {"descriptors_scanned", 2000}};
  trial.cost->user_us_per_request = 1;
  trial.cost->system_us_per_request = 7;
  trial.cost->voluntary_switches_per_request = 0.25;
  trial.cost->involuntary_switches_per_request = 0.125;
  trial.cost->resident_bytes_per_connection = 300;
  trial.cost->kernel_bytes_per_connection = 4000;
  trial.cost->threads = 5;
  std::map<std::string, double> values;
  for (const Metric& metric : metrics()) {
    values[std::string(metric.name)] = metric.value(trial).value_or(-1);
  }
  const std::map<std::string, double> expected{{"latency_us_p50", 50},
                                               {"latency_us_p99", 100},
                                               {"latency_us_p99_9", 200},
                                               {"server_cpu_us_per_request", 8},
                                               {"server_busy_share", 0.008},
                                               {"achieved_rps", 999},
                                               {"scanned_per_request", 2},
                                               {"calls_per_request", 1.5},
                                               {"user_us_per_request", 1},
                                               {"system_us_per_request", 7},
                                               {"voluntary_switches_per_request", 0.25},
                                               {"involuntary_switches_per_request", 0.125},
                                               {"resident_bytes_per_connection", 300},
                                               {"kernel_bytes_per_connection", 4000},
                                               {"threads", 5},
                                               {"client_cpu_us_per_request", 11}};
  EXPECT_EQ(values, expected);
}

TEST(CpuPlan, ExplainsItself) {
  const CpuPlan none = plan_cpus(false, false);
  EXPECT_FALSE(none.server || none.client);
  EXPECT_THAT(none.explanation, HasSubstr("not pinned"));
  const CpuPlan pinned = plan_cpus(true, true);
  EXPECT_EQ(pinned.server.has_value(), pinned.client.has_value());
  if (pinned.server) {
    EXPECT_NE(pinned.server, pinned.client);
    EXPECT_THAT(pinned.explanation, Not(HasSubstr("not pinned")));
  }
}

}  // namespace
}  // namespace echomux
