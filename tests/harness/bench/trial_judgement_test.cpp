// What a trial's figures are worth.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/bench/sweep.hpp"
#include "tests/support/trials.hpp"

namespace echomux {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

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
  trial.outcome.sentence = "limit 1012";
  for (const OutcomeKind outcome : {OutcomeKind::over_limit, OutcomeKind::not_possible}) {
    trial.outcome.kind = outcome;
    const Judgement judgement = judge_trial(trial, {});
    EXPECT_EQ(judgement.verdict, Verdict::not_possible);
    EXPECT_THAT(codes(judgement), ElementsAre("not_possible"));
    EXPECT_EQ(judgement.reasons.at(0).sentence, "limit 1012");
  }
  trial.outcome.kind = OutcomeKind::failed;
  trial.outcome.sentence = "it did not start";
  const Judgement judgement = judge_trial(trial, {});
  EXPECT_EQ(judgement.verdict, Verdict::invalid);
  EXPECT_THAT(codes(judgement), ElementsAre("failed"));
  EXPECT_EQ(judgement.reasons.at(0).sentence, "it did not start");
}

TEST(TrialJudgement, KnowsAFailureThatTheClientDidNotSee) {
  Trial trial = clean_trial();
  trial.outcome.kind = OutcomeKind::failed;
  trial.outcome.sentence = "the server process ended by itself";
  const Judgement judgement = judge_trial(trial, good_circumstances());
  EXPECT_EQ(judgement.verdict, Verdict::invalid);
  EXPECT_THAT(codes(judgement), ElementsAre("failed"));
}

TEST(TrialJudgement, ExcusesNoFailureByABusyServer) {
  Trial trial = clean_trial();
  trial.outcome.kind = OutcomeKind::failed;
  trial.load->unanswered = 1;
  trial.cost->busy_share = 1;
  EXPECT_EQ(judge_trial(trial, good_circumstances()).verdict, Verdict::invalid);
}

TEST(TrialJudgement, BelievesThatAServerStarves) {
  Trial trial = clean_trial();
  trial.outcome.kind = OutcomeKind::starved;
  trial.cost.reset();
  trial.load->outcome.end(RunEnd::starved);
  trial.load->requests = 0;
  const Judgement judgement = judge_trial(trial, good_circumstances());
  EXPECT_EQ(judgement.verdict, Verdict::starved);
  EXPECT_THAT(codes(judgement), ElementsAre("starved"));
}

}  // namespace
}  // namespace echomux
