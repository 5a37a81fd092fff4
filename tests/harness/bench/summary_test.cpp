// The trials of a cell, taken together.
#include "harness/bench/summary.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "tests/support/trials.hpp"

namespace echomux {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

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

// A trial may be doubted for the same reason twice, about two of its figures.
TEST(Summary, CountsTrialsAndNotReasons) {
  const CellSummary cell = summary_of(one_cell(7, [](Trial& trial, std::size_t repetition) {
    if (repetition > 3) return;
    for (const char* const figure : {"p50", "p99"}) {
      trial.judgement.add(Verdict::suspect, "drift", figure + std::string(" drifts"));
    }
  }));
  EXPECT_EQ(cell.judgement.verdict, Verdict::valid);
  EXPECT_EQ(cell.judgement.reasons.at(0).sentence, "3 of 7 trials: p50 drifts");
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
    trial.outcome.kind = OutcomeKind::starved;
    trial.outcome.sentence = "starved: 0 of 10 served";
    trial.load->outcome.end(RunEnd::starved);
    trial.load->requests = 0;
    trial.cost.reset();
    trial.judgement = judge(*trial.load);
  }));
  EXPECT_EQ(cell.trials, 2U);
  EXPECT_EQ(cell.used, 0U);
  EXPECT_EQ(cell.outcome.kind, OutcomeKind::starved);
  EXPECT_EQ(cell.outcome.sentence, "starved: 0 of 10 served");
  EXPECT_EQ(cell.judgement.verdict, Verdict::starved);
  EXPECT_EQ(cell.median("latency_us_p50"), std::nullopt);
}

TEST(Summary, DoesNotCountATrialThatWasCutOff) {
  Results results = one_cell(3, [](Trial& trial, std::size_t repetition) {
    if (repetition == 3) trial.outcome.kind = OutcomeKind::interrupted;
  });
  EXPECT_EQ(summary_of(results).trials, 2U);
  EXPECT_EQ(summary_of(results).outcome.kind, OutcomeKind::measured);
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
  trial.cost->page_faults_per_request = 0.5;
  trial.cost->cpu_ratio_to_floor = 1.25;
  trial.cost->cpu_ratio_to_empty_floor = 1.5;
  trial.cost->resident_bytes_per_connection = 300;
  trial.cost->kernel_bytes_per_connection = 4000;
  trial.cost->threads = 5;
  trial.cost->worker_imbalance = 1.75;
  std::map<std::string, double> values;
  for (const Metric& metric : metrics()) {
    values[std::string(metric.name)] = metric.value(trial).value_or(-1);
  }
  const std::map<std::string, double> expected{{"latency_us_p50", 50},
                                               {"latency_us_p99", 100},
                                               {"latency_us_p99_9", 200},
                                               {"cpu_us_per_request", 8},
                                               {"busy_share", 0.008},
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
                                               {"client_cpu_us_per_request", 11},
                                               {"page_faults_per_request", 0.5},
                                               {"cpu_ratio_to_floor", 1.25},
                                               {"cpu_ratio_to_empty_floor", 1.5},
                                               {"worker_imbalance", 1.75}};
  EXPECT_EQ(values, expected);
}

}  // namespace
}  // namespace echomux
