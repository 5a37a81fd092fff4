#include "harness/load/load_report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <ostream>

#include "harness/load/hdr_format.hpp"
#include "harness/text/field_json.hpp"
#include "tests/support/trials.hpp"

namespace echomux {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(LoadJudgement, FindsNoFaultWithACleanReport) {
  const Judgement judgement = judge(clean_load());
  EXPECT_EQ(judgement.verdict, Verdict::valid);
  EXPECT_THAT(codes(judgement), IsEmpty());
}

// A wait can't be longer than all waits together.
TEST(LoadJudgement, LeavesATailToTheServerThatNoDelayExplains) {
  LoadReport load = clean_load();
  load.run_queue_share = 0.03;
  load.latency_us.p99 = 189'000;
  load.taken_ms = 45;
  EXPECT_THAT(codes(judge(load)), IsEmpty());
  load.latency_us.p99 = 44'000;
  EXPECT_THAT(codes(judge(load)), ElementsAre("tail_not_the_servers"));
}

// What is just tolerated, and what is just not and for which reason.
struct Threshold {
  std::string name;
  std::string code;
  Verdict verdict;
  std::function<void(LoadReport&)> just_below;
  std::function<void(LoadReport&)> just_above;

  friend void PrintTo(const Threshold& threshold, std::ostream* out) { *out << threshold.name; }
};

class LoadThreshold : public ::testing::TestWithParam<Threshold> {};

TEST_P(LoadThreshold, DecidesWhetherTheReasonIsThere) {
  LoadReport below = clean_load();
  GetParam().just_below(below);
  EXPECT_THAT(codes(judge(below)), IsEmpty());
  EXPECT_EQ(judge(below).verdict, Verdict::valid);

  LoadReport above = clean_load();
  GetParam().just_above(above);
  EXPECT_THAT(codes(judge(above)), ElementsAre(GetParam().code));
  EXPECT_EQ(judge(above).verdict, GetParam().verdict);
  EXPECT_FALSE(judge(above).reasons.at(0).sentence.empty());
}

void nothing(LoadReport&) {}

using Change = std::function<void(LoadReport&)>;

// One field on both sides of a limit, the rest as `first` leaves it.
template <typename Field>
Threshold limit(std::string name, std::string code, Verdict verdict, Field LoadReport::*field,
                Field below, Field above, const Change& first = nothing) {
  const auto with = [=](Field value) {
    return [=](LoadReport& load) {
      first(load);
      load.*field = value;
    };
  };
  return {std::move(name), std::move(code), verdict, with(below), with(above)};
}

// A load that ends so is invalid for that.
Threshold ends(std::string name, std::string code, RunEnd end) {
  return {std::move(name), std::move(code), Verdict::invalid, nothing, [=](LoadReport& load) {
            load.outcome.end(end);
            load.outcome.sentence = "byte 3 of connection 5";
          }};
}

Change with_p99(double us) {
  return [us](LoadReport& load) { load.latency_us.p99 = us; };
}

using L = LoadReport;

INSTANTIATE_TEST_SUITE_P(
    All, LoadThreshold,
    ::testing::Values(
        Threshold{"Starved", "starved", Verdict::starved, nothing,
                  [](LoadReport& l) {
                    l.outcome.end(RunEnd::starved);
                    l.active_confirmed = 0;
                    l.requests = 0;
                  }},
        limit("ShortEcho", "short_echo", Verdict::invalid, &L::partly_answered, 0UL, 1UL),
        Threshold{"ShortEchoOfAStarvedLoad", "short_echo", Verdict::invalid, nothing,
                  [](LoadReport& l) {
                    l.outcome.end(RunEnd::starved);
                    l.partly_answered = 1;
                    l.unanswered = 1;
                  }},
        ends("Refused", "refused", RunEnd::refused),
        ends("ServerGone", "server_gone", RunEnd::server_gone),
        ends("Corrupt", "corrupt", RunEnd::corrupted),
        ends("Interrupted", "interrupted", RunEnd::interrupted),
        limit("Unanswered", "unanswered", Verdict::invalid, &L::unanswered, 0UL, 1UL),
        limit("TimedOut", "timed_out", Verdict::suspect, &L::timed_out, 0UL, 1UL),
        Threshold{"IdleLost", "idle_lost", Verdict::invalid,
                  [](LoadReport& l) { l.idle_requested = 200; },
                  [](LoadReport& l) {
                    l.idle_held = 99;
                    l.lost = 1;
                  }},
        limit("ConnectionsLost", "connections_lost", Verdict::invalid, &L::lost, 0UL, 1UL),
        limit("ClientOverloaded", "client_overloaded", Verdict::invalid, &L::client_busy_share, 0.9,
              0.901),
        limit("AchievedBelowOffered", "achieved_below_offered", Verdict::invalid, &L::achieved_rps,
              990.0, 989.9),
        limit("AchievedBelowOfferedInSlices", "achieved_below_offered", Verdict::invalid,
              &L::achieved_rps, 900.0, 899.9, [](LoadReport& l) { l.windows = 6; }),
        // What counts is what the schedule called for, which random arrivals make another number.
        Threshold{"AchievedBelowWhatWasDue", "achieved_below_offered", Verdict::invalid,
                  [](LoadReport& l) { l.due_rps = l.achieved_rps = 900; },
                  [](LoadReport& l) { l.due_rps = 1011; }},
        limit("AchievedByEnoughRequests", "achieved_below_offered", Verdict::invalid, &L::requests,
              3UL, 4UL, [](LoadReport& l) { l.achieved_rps = 500; }),
        limit("AchievedInAnOpenLoop", "achieved_below_offered", Verdict::invalid, &L::offered_rps,
              std::optional<double>(), clean_load().offered_rps,
              [](LoadReport& l) { l.achieved_rps = 500; }),
        limit("ScheduleLagOfHalfTheTail", "schedule_lag", Verdict::suspect, &L::schedule_lag_us_p99,
              200.0, 201.0, with_p99(400)),
        limit("ScheduleLagWorthMentioning", "schedule_lag", Verdict::suspect,
              &L::schedule_lag_us_p99, 100.0, 101.0),
        limit("SharedCpu", "shared_cpu", Verdict::suspect, &L::run_queue_share, 0.1, 0.101),
        // The three ways in which the machine can delay the client, beside a tail that is just
        // long.
        limit("TailBySteal", "tail_not_the_servers", Verdict::suspect, &L::steal_share, 0.01,
              0.0101, with_p99(201)),
        limit("TailByRunQueue", "tail_not_the_servers", Verdict::suspect, &L::run_queue_share, 0.01,
              0.0101, with_p99(201)),
        limit("Throttled", "throttled", Verdict::suspect, &L::throttled_share, 0.01, 0.011),
        limit("StoodStill", "client_stood_still", Verdict::suspect, &L::stood_still_ms, 100.0,
              101.0),
        limit("StoodStillInTheLoop", "client_stood_still", Verdict::suspect, &L::longest_gap_us,
              100'000.0, 100'001.0),
        limit("AltersBytes", "alters_bytes", Verdict::suspect, &L::altered, std::string(),
              std::string("a was sent and b came")),
        limit("TailByGaps", "tail_not_the_servers", Verdict::suspect, &L::gap_share, 0.01, 0.0101,
              with_p99(201)),
        Threshold{"TailThatIsLong", "tail_not_the_servers", Verdict::suspect,
                  [](LoadReport& l) {
                    l.latency_us.p99 = 200;
                    l.steal_share = 0.02;
                  },
                  [](LoadReport& l) {
                    l.latency_us.p99 = 201;
                    l.steal_share = 0.02;
                  }},
        limit("DriftThatIsClear", "drift", Verdict::suspect, &L::drift_p, 0.001, 0.00099,
              [](LoadReport& l) { l.drift_relative_change = 0.5; }),
        limit("DriftThatIsLarge", "drift", Verdict::suspect, &L::drift_relative_change, -0.3,
              -0.301, [](LoadReport& l) { l.drift_p = 1e-6; }),
        limit("NoRequests", "no_requests", Verdict::invalid, &L::requests, 1UL, 0UL)),
    [](const ::testing::TestParamInfo<Threshold>& test) { return test.param.name; });

TEST(LoadJudgement, SaysWhichConnectionWasTurnedAway) {
  LoadReport load = clean_load();
  load.outcome.end(RunEnd::refused);
  load.outcome.sentence = "connection reset";
  load.active_confirmed = 3;
  load.idle_confirmed = load.idle_held = 40;
  EXPECT_EQ(judge(load).reasons.at(0).sentence,
            "connection 44 of 110 was turned away: connection reset");
}

TEST(LoadJudgement, FindsNoTailInALoadWithoutAnswers) {
  LoadReport load = clean_load();
  load.requests = 0;
  load.client_busy_share = 1;
  EXPECT_THAT(codes(judge(load)), ElementsAre("client_overloaded", "no_requests"));
}

TEST(LoadJudgement, PutsTheGravestReasonFirst) {
  LoadReport load = clean_load();
  load.timed_out = 1;
  load.client_busy_share = 1;
  load.drift_p = 0;
  load.drift_relative_change = 1;
  EXPECT_THAT(codes(judge(load)), ElementsAre("client_overloaded", "timed_out", "drift"));
  EXPECT_EQ(judge(load).verdict, Verdict::invalid);
}

TEST(Judgement, OrdersAllVerdictsByTheirGravity) {
  Judgement judgement;
  judgement.add(Verdict::suspect, "c", "");
  judgement.add(Verdict::saturated, "b", "");
  EXPECT_EQ(judgement.verdict, Verdict::suspect);
  judgement.add(Verdict::not_possible, "f", "");
  judgement.add(Verdict::valid, "a", "");
  judgement.add(Verdict::starved, "d", "");
  judgement.add(Verdict::invalid, "e", "");
  EXPECT_THAT(codes(judgement), ElementsAre("f", "e", "d", "c", "b", "a"));
  EXPECT_EQ(judgement.verdict, Verdict::not_possible);
}

TEST(Verdict, ComesBackFromItsWord) {
  for (const Verdict verdict : {Verdict::valid, Verdict::suspect, Verdict::invalid,
                                Verdict::saturated, Verdict::starved, Verdict::not_possible}) {
    EXPECT_EQ(enumerator<Verdict>(std::string(to_string(verdict)), "verdict"), verdict);
  }
  EXPECT_THROW(static_cast<void>(enumerator<Verdict>("fine", "verdict")), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(enumerator<Verdict>("", "verdict")), std::invalid_argument);
}

Load sample_load() {
  Load load;
  load.active_connections = 7;
  load.idle_connections = 30;
  load.requests_per_second = 60;
  load.duration = std::chrono::seconds(2);
  load.threads = 4;
  return load;
}

SwarmResult sample_result() {
  SwarmResult result;
  result.active_confirmed = 6;
  result.idle_confirmed = 29;
  result.idle_held = 28;
  result.connections_lost = 2;
  result.partly_answered = 3;
  result.altered = "NUL was sent and nothing came";
  result.delays.stood_still = milliseconds(5);
  result.delays.asleep = milliseconds(7);
  result.delays.throttled = milliseconds(200);
  result.open_time = milliseconds(15);
  result.requests_unanswered = 4;
  result.requests_timed_out = 5;
  for (int i = 1; i <= 100; ++i) {
    result.latency.record(microseconds(i));
    result.latency_uncorrected.record(nanoseconds(500 * i));
    result.schedule_lag.record(nanoseconds(10 * i));
  }
  result.window_time = std::chrono::seconds(2);
  result.window_requests = 90;
  result.measured_requests = 80;
  result.measured_time = std::chrono::seconds(2);
  result.client_cpu = microseconds(400);
  result.busiest_thread_share = 0.25;
  result.delays.run_queue = milliseconds(80);
  result.delays.gaps = milliseconds(160);
  result.delays.longest_gap = milliseconds(3);
  result.delays.steal_share = 0.125;
  result.delays.steal_share_by_cpu = {{0, 0.25}, {1, 0}};
  result.probe_unanswered = true;
  result.window_began = std::chrono::system_clock::time_point(std::chrono::milliseconds(1500));
  result.started_late = milliseconds(9);
  return result;
}

TEST(LoadReport, WorksOutTheFigures) {
  Json expected = Json::parse(R"({
    "end": "completed", "detail": "", "windows": 1, "requests": 96,
    "offered_rps": 60, "due_rps": 50, "achieved_rps": 45, "unanswered": 4, "timed_out": 5,
    "latency_us": {"p50": 50.015, "p90": 90.047, "p99": 99.007, "p99_9": 100, "p99_99": 100,
                   "max": 100, "mean": 50.5},
    "latency_uncorrected_us": {"p50": 25.007, "p90": 45.023, "p99": 49.503, "p99_9": 50,
                               "p99_99": 50, "max": 50, "mean": 25.25},
    "connections": {"active": 7, "active_confirmed": 6, "idle_requested": 30,
                    "idle_confirmed": 29, "idle_held": 28, "lost": 2, "partly_answered": 3,
                    "altered": "NUL was sent and nothing came", "probe_unanswered": true,
                    "open_ms": 15},
    "window_began_unix_s": 1.5, "started_late_ms": 9, "window_skew_ms": 0,
    "client": {"cpu_us_per_request": 5, "busy_share": 0.25, "schedule_lag_us_p99": 0.99,
               "schedule_lag_us_max": 1, "steal_share": 0.125,
               "steal_share_by_cpu": {"0": 0.25, "1": 0}, "run_queue_share": 0.01,
               "stood_still_ms": 7, "throttled_share": 0.1, "gap_share": 0.02, "longest_gap_us": 3000,
               "taken_ms": 250},
    "drift": {"p": 1, "relative_change": 0}})");
  expected["histogram_v2"] = to_hdr_v2(sample_result().latency);
  expected["histogram_uncorrected_v2"] = to_hdr_v2(sample_result().latency_uncorrected);
  EXPECT_EQ(to_json(make_load_report(sample_load(), sample_result())), expected);
}

TEST(LoadReport, OffersNoRateInAClosedLoop) {
  Load load = sample_load();
  load.requests_per_second = 0;
  EXPECT_EQ(make_load_report(load, sample_result()).offered_rps, std::nullopt);
}

TEST(LoadReport, BearsALoadThatNeverBegan) {
  const LoadReport report = make_load_report(sample_load(), {});
  EXPECT_EQ(report.requests, 0U);
  EXPECT_EQ(report.client_cpu_us_per_request, 0);
  EXPECT_EQ(report.run_queue_share, 0);
}

LoadReport report_with_parts(const std::function<double(std::size_t)>& slice) {
  SwarmResult result = sample_result();
  for (std::size_t i = 0; i < SwarmResult::most_parts; ++i) {
    result.latency_by_part.push_back(slice(i));
  }
  return make_load_report(sample_load(), result);
}

TEST(LoadReport, SeesALatencyThatRisesOrFalls) {
  const auto rising = [](std::size_t i) { return 1000 + 50 * static_cast<double>(i); };
  const LoadReport up = report_with_parts(rising);
  EXPECT_LT(up.drift_p, 1e-6);
  EXPECT_NEAR(up.drift_relative_change, 950.0 / 1475, 1e-9);
  EXPECT_THAT(judge(up).reasons.back().sentence, HasSubstr("rose by 64 %"));
  const LoadReport down = report_with_parts([&](std::size_t i) { return rising(19 - i); });
  EXPECT_THAT(judge(down).reasons.back().sentence, HasSubstr("fell by 64 %"));
}

TEST(LoadReport, TakesNoiseForNoDrift) {
  constexpr std::array noise{3, 14, 8, 19, 1, 11, 6, 17, 10, 2, 16, 5, 13, 0, 18, 9, 4, 15, 7, 12};
  const LoadReport report =
      report_with_parts([&](std::size_t i) { return 1000 + 100.0 * noise.at(i); });
  EXPECT_GT(report.drift_p, 0.1);
  EXPECT_LT(report.drift_p, 1);
  EXPECT_THAT(codes(judge(report)), ::testing::Not(::testing::Contains("drift")));
}

TEST(LoadReport, KnowsNoDriftOfAWindowWithHoles) {
  const LoadReport report =
      report_with_parts([](std::size_t i) { return i == 3 ? 0 : 1000 * static_cast<double>(i); });
  EXPECT_EQ(report.drift_p, 1);
  EXPECT_EQ(report.drift_relative_change, 0);
}

TEST(LoadReport, ComesBackFromJson) {
  LoadReport report = report_with_parts([](std::size_t i) { return static_cast<double>(i + 1); });
  report.outcome.end(RunEnd::interrupted);
  report.outcome.sentence = "a \"detail\"";
  report.windows = 7;
  report.window_skew_ms = 2;
  const Json json = to_json(report);
  LoadReport back;
  read_json(json, back);
  EXPECT_EQ(to_json(back), json);
  const Json defaults = to_json(LoadReport());
  for (const auto& [name, value] : defaults.items()) {
    EXPECT_NE(json.at(name), value) << name << " has its default";
  }
  EXPECT_THAT(words_of<RunEnd>(), ElementsAre("completed", "starved", "refused", "server_gone",
                                              "corrupted", "interrupted"));
}

}  // namespace
}  // namespace echomux
