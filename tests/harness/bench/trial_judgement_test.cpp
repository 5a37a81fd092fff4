// What a trial's figures are worth.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/bench/sweep.hpp"
#include "tests/support/trials.hpp"

namespace echomux {
namespace {

using ::testing::HasSubstr;
using ::testing::UnorderedElementsAreArray;
using Codes = std::vector<std::string>;
using Circumstances = TrialCircumstances;

// Judges what `change` makes of a clean trial in a pinned sweep with a client that is far from its
// limit. `sentence`: a part of that of the gravest reason.
void expect(Verdict verdict, const Codes& reasons, const auto& change,
            const std::string& sentence = "") {
  Trial trial = clean_trial();
  Circumstances circumstances{
      .client_cpus = {0}, .client_ceiling_rps = 100'000, .never_sleeps = false};
  change(trial, circumstances);
  const Judgement judgement = judge_trial(trial, circumstances);
  SCOPED_TRACE(::testing::PrintToString(reasons));
  EXPECT_EQ(judgement.verdict, verdict);
  EXPECT_THAT(codes(judgement), UnorderedElementsAreArray(reasons));
  if (!judgement.reasons.empty()) {
    EXPECT_THAT(judgement.reasons.front().sentence, HasSubstr(sentence));
  }
  // Of a server at its limit, and all that it may fall behind by.
  if (verdict == Verdict::saturated) {
    for (const Reason& reason : judgement.reasons) EXPECT_EQ(reason.verdict, Verdict::saturated);
  }
}

TEST(TrialJudgement, FindsNoFaultWithACleanTrial) {
  expect(Verdict::valid, {}, [](Trial&, Circumstances&) {});
}

TEST(TrialJudgement, CallsABusyServerSaturated) {
  const auto busy = [](double share, bool never_sleeps) {
    return [=](Trial& trial, Circumstances& circumstances) {
      trial.cost->busy_share = share;
      circumstances.never_sleeps = never_sleeps;
    };
  };
  expect(Verdict::valid, {}, busy(0.949, false));
  expect(Verdict::saturated, {"saturated"}, busy(0.95, false), "95 %");
  expect(Verdict::saturated, {"saturated"}, busy(0.95, true), "never sleeps");
}

TEST(TrialJudgement, LetsWorkersUseSeveralCpus) {
  const auto busy = [](double share, std::size_t workers, const std::vector<int>& cpus) {
    return [=](Trial& trial, Circumstances& circumstances) {
      trial.cost->busy_share = share;
      trial.cost->cpus = cpus;
      trial.cost->threads = workers + 1;
      circumstances.most_cpus = workers;
      // What the client reaches against one CPU is no limit then.
      circumstances.client_ceiling_rps = workers > 1 && cpus.size() > 1 ? 1000 : 100'000;
    };
  };
  expect(Verdict::valid, {}, busy(1.5, 2, {1, 2}));
  expect(Verdict::saturated, {"saturated"}, busy(1.95, 2, {1, 2}), "of the time");
  expect(Verdict::saturated, {"saturated"}, busy(1.95, 8, {1, 2}));
  expect(Verdict::saturated, {"saturated"}, busy(0.99, 8, {1}));
  expect(Verdict::saturated, {"saturated"}, busy(0.99, 1, {1, 2}));
  // One worker has all the work.
  expect(
      Verdict::saturated, {"saturated"},
      [](Trial& trial, Circumstances& circumstances) {
        circumstances.most_cpus = 2;
        trial.cost->threads = 3;
        trial.cost->cpus = {1, 2};
        trial.cost->busy_share = 1.1;
        trial.cost->workers.resize(2);
        trial.cost->workers.front().busy_share = 0.99;
      },
      "one of the server's workers was busy 99 %");
}

TEST(TrialJudgement, BlamesNotTheMachineWhereThreadsWaitForEachOther) {
  const auto waiting = [](std::size_t workers) {
    return [=](Trial& trial, Circumstances& circumstances) {
      trial.cost->run_queue_share = 0.2;
      trial.load->latency_us.p99 = 1000;
      trial.cost->threads = workers + 1;
      circumstances.most_cpus = workers;
    };
  };
  expect(Verdict::suspect, {"tail_not_the_servers"}, waiting(1));
  expect(Verdict::valid, {}, waiting(2));
}

TEST(TrialJudgement, LeavesATailToTheServerThatNoWaitExplains) {
  const auto tail_of_ms = [](double ms) {
    return [=](Trial& trial, Circumstances&) {
      trial.cost->run_queue_share = 0.05;  // of a second
      trial.load->latency_us.p99 = 1000 * ms;
    };
  };
  expect(Verdict::suspect, {"tail_not_the_servers"}, tail_of_ms(49));
  expect(Verdict::valid, {}, tail_of_ms(51));
}

TEST(TrialJudgement, ExcusesWhatASaturatedServerFallsBehindByAndNothingElse) {
  const auto behind = [](double busy_share) {
    return [=](Trial& trial, Circumstances&) {
      trial.cost->busy_share = busy_share;
      trial.load->achieved_rps = 500;
      trial.load->unanswered = 20;
      trial.load->timed_out = 20;
      trial.load->drift_p = 0;
      trial.load->drift_relative_change = 2;
    };
  };
  Codes reasons{"achieved_below_offered", "unanswered", "timed_out", "drift"};
  expect(Verdict::invalid, reasons, behind(0.008));
  reasons.emplace_back("saturated");
  expect(Verdict::saturated, reasons, behind(1));
  expect(Verdict::invalid, {"client_overloaded", "saturated"}, [](Trial& trial, Circumstances&) {
    trial.cost->busy_share = trial.load->client_busy_share = 1;
  });
}

// Its threads wait for each other as well, and so their sum doesn't tell of others.
TEST(TrialJudgement, BlamesNobodyForTheWaitsOfAServerThatHandsOver) {
  const auto waits = [](bool hands_over) {
    return [=](Trial& trial, Circumstances& circumstances) {
      trial.cost->run_queue_share = 0.08;
      trial.load->latency_us.p99 = 10 * trial.load->latency_us.p50;
      circumstances.hands_over = hands_over;
    };
  };
  expect(Verdict::suspect, {"tail_not_the_servers"}, waits(false), "run queue 8.0 %");
  expect(Verdict::valid, {}, waits(true));
}

TEST(TrialJudgement, MindsACpuThatClientAndServerShare) {
  const auto on = [](const std::vector<int>& server, const std::vector<int>& client) {
    return [=](Trial& trial, Circumstances& circumstances) {
      trial.cost->cpus = server;
      circumstances.client_cpus = client;
    };
  };
  expect(Verdict::invalid, {"shared_cpu"}, on({1}, {1}), "CPU 1");
  // With another CPU to go to, it isn't sure that they did.
  expect(Verdict::suspect, {"shared_cpu"}, on({0, 1}, {1}));
  expect(Verdict::suspect, {"shared_cpu"}, on({1}, {0, 1}));
}

TEST(TrialJudgement, MindsAClientNearItsOwnLimit) {
  const auto near = [](std::optional<double> ceiling, double busy_share, double rate) {
    return [=](Trial& trial, Circumstances& circumstances) {
      circumstances.client_ceiling_rps = ceiling;
      trial.cost->busy_share = busy_share;
      trial.cell.rate = rate;
      if (rate == 0) trial.load->offered_rps.reset();
    };
  };
  expect(Verdict::valid, {}, near(1000 / 0.9, 0.5, 1000));
  expect(Verdict::suspect, {"client_near_limit"}, near(1110, 0.5, 1000));
  // Where it is at full speed, or where the server is what limits it, that is no news.
  expect(Verdict::saturated, {"saturated"}, near(1110, 1, 1000));
  expect(Verdict::valid, {}, near(1110, 0.5, 0));
  expect(Verdict::valid, {}, near(std::nullopt, 0.5, 1000));
}

TEST(TrialJudgement, MindsAServerThatWaitedForItsCpu) {
  const auto waited = [](std::optional<double> run_queue, double steal, double p99 = 201,
                         double busy_share = 0.008) {
    return [=](Trial& trial, Circumstances&) {
      trial.cost->run_queue_share = run_queue;
      trial.cost->steal_share = steal;
      trial.load->latency_us.p99 = p99;
      trial.cost->busy_share = busy_share;
    };
  };
  expect(Verdict::valid, {}, waited(0.01, 0.01));
  expect(Verdict::suspect, {"tail_not_the_servers"}, waited(0.0101, 0.01));
  expect(Verdict::valid, {}, waited(std::nullopt, 0.01));
  expect(Verdict::suspect, {"tail_not_the_servers"}, waited(std::nullopt, 0.0101));
  // A short tail needs no explanation, and that of a saturated server is its own.
  expect(Verdict::valid, {}, waited(std::nullopt, 0.0101, 200));
  expect(Verdict::saturated, {"saturated"}, waited(std::nullopt, 0.0101, 201, 1));
}

TEST(TrialJudgement, TellsLimitsFromFailures) {
  const auto never_run = [](OutcomeKind kind) {
    return [=](Trial& trial, Circumstances&) {
      trial = {};
      trial.outcome = {kind, RunEnd::not_run, "limit 1012"};
    };
  };
  for (const OutcomeKind kind : {OutcomeKind::over_limit, OutcomeKind::not_possible}) {
    expect(Verdict::not_possible, {"not_possible"}, never_run(kind), "limit 1012");
  }
  expect(Verdict::invalid, {"failed"}, never_run(OutcomeKind::failed), "limit 1012");
}

TEST(TrialJudgement, KnowsAFailureThatTheClientDidNotSee) {
  expect(Verdict::invalid, {"failed"},
         [](Trial& trial, Circumstances&) { trial.outcome.kind = OutcomeKind::failed; });
  // Nor is it excused by a busy server.
  expect(Verdict::invalid, {"unanswered", "saturated"}, [](Trial& trial, Circumstances&) {
    trial.outcome.kind = OutcomeKind::failed;
    trial.load->unanswered = 1;
    trial.cost->busy_share = 1;
  });
}

TEST(TrialJudgement, BelievesThatAServerStarves) {
  expect(Verdict::starved, {"starved"}, [](Trial& trial, Circumstances&) {
    trial.outcome.end(RunEnd::starved);
    trial.load->outcome.end(RunEnd::starved);
    trial.load->requests = 0;
    trial.cost.reset();
  });
}

}  // namespace
}  // namespace echomux
