#include "report/answer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace echomux {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

// A cell whose servers' CPU per request has this median, and this interval where one is given.
CellSummary cell(const std::string& server, std::size_t idle, double cost,
                 std::optional<MedianInterval::Bounds> bounds = {}, double rate = 1000) {
  CellSummary summary;
  summary.cell = {server, idle, rate};
  summary.trials = summary.used = 7;
  MetricSummary& metric = summary.metrics["cpu_us_per_request"];
  metric.values = {cost};
  metric.interval = {cost, bounds};
  return summary;
}

CellSummary absent(const std::string& server, std::size_t idle, OutcomeKind outcome,
                   const std::string& note) {
  CellSummary summary;
  summary.cell = {server, idle, 1000};
  summary.trials = 1;
  summary.outcome.kind = outcome;
  summary.outcome.sentence = note;
  return summary;
}

TEST(Answer, TellsWhatWaitingCostsBesideTheMostAndTheFewest) {
  EXPECT_THAT(
      answer({cell("poll", 0, 26, {{24, 28}}), cell("epoll_lt", 0, 25, {{23, 27}}),
              cell("epoll_et", 0, 25.5, {{23, 27}}), cell("poll", 10'000, 980, {{950, 990}}),
              cell("epoll_lt", 10'000, 28, {{26, 30}}), cell("epoll_et", 10'000, 29, {{26, 31}})}),
      ElementsAre("Beside 10,000 idle connections a request costs epoll_lt and epoll_et "
                  "28.0 to 29.0 µs of CPU, too close to tell apart, but poll 980 (35.0 "
                  "times as much).",
                  "With no idle connections a request costs epoll_lt, epoll_et and poll "
                  "25.0 to 26.0 µs of CPU, too close to tell apart."));
}

TEST(Answer, SaysWhereSelectOrPollIsCheaper) {
  const auto sentences =
      answer({cell("poll", 0, 20, {{19, 21}}), cell("select", 0, 26, {{25, 27}}),
              cell("epoll_lt", 0, 25, {{24, 26}}), cell("epoll_et", 0, 26, {{25, 27}}),
              cell("poll", 100, 40, {{39, 41}}), cell("epoll_lt", 100, 25, {{24, 26}})});
  ASSERT_THAT(sentences, SizeIs(2));
  EXPECT_THAT(sentences[1], HasSubstr("a request costs poll 20.0 µs of CPU and epoll_lt 25.0 "
                                      "(1.25 times as much)"));
  EXPECT_THAT(sentences[1], HasSubstr("; cheaper than epoll: poll with no idle connections."));
}

TEST(Answer, AsksForMoreWhereThereIsNoInterval) {
  const auto sentences = answer({cell("poll", 0, 29), cell("epoll_lt", 0, 20),
                                 cell("poll", 100, 31), cell("epoll_lt", 100, 20)});
  ASSERT_THAT(sentences, SizeIs(2));
  EXPECT_THAT(sentences[1], HasSubstr("epoll_lt and poll 20.0 to 29.0"));
  EXPECT_THAT(sentences[0], HasSubstr("epoll_lt 20.0 µs of CPU and poll 31.0"));
}

TEST(Answer, NamesThoseWithoutFiguresAndWhy) {
  CellSummary invalid = cell("threaded", 100, 5);
  invalid.judgement.add(Verdict::invalid, "idle_lost", "they were lost");
  CellSummary saturated = cell("poll", 100, 900);
  saturated.judgement.add(Verdict::saturated, "server_saturated", "it is");
  EXPECT_THAT(
      answer({cell("epoll_lt", 100, 25), saturated, invalid,
              absent("blocking", 100, OutcomeKind::starved, "starved: 0 of 10 served"),
              absent("select", 100, OutcomeKind::over_limit, "limit 1024"),
              absent("mine", 100, OutcomeKind::failed, "")}),
      ElementsAre("Beside 100 idle connections a request costs epoll_lt 25.0 µs of CPU and poll "
                  "900 (36.0 times as much, saturated); without figures: threaded (invalid), "
                  "blocking (starved), select (limit 1024) and mine (failed)."));
}

TEST(Answer, LeavesOutTheFloorAndWhatIsAlwaysBusy) {
  const auto sentences =
      answer({cell("floor", 0, 1), cell("busy_poll", 0, 999), cell("epoll_lt", 0, 25)});
  EXPECT_THAT(sentences,
              ElementsAre("With no idle connections a request costs epoll_lt 25.0 µs of CPU."));
}

TEST(Answer, NamesTheRateWhereThereAreSeveral) {
  const auto sentences = answer({cell("poll", 0, 30, {}, 1000), cell("poll", 0, 20, {}, 0),
                                 cell("poll", 9, 60, {}, 1000), cell("poll", 9, 50, {}, 20'000)});
  ASSERT_THAT(sentences, SizeIs(2));
  // Rare requests beside the most, the busiest beside the fewest.
  EXPECT_THAT(sentences[0], HasSubstr("Beside 9 idle connections at 1000 requests/s"));
  EXPECT_THAT(sentences[1], HasSubstr("With no idle connections at full speed (closed loop)"));
  EXPECT_THAT(answer({cell("poll", 0, 30)}).front(), Not(HasSubstr("requests/s")));
}

TEST(Answer, SaysSoWhenThereIsNone) {
  EXPECT_THAT(answer({}), ElementsAre("Nothing was measured that servers can be compared by."));
  EXPECT_THAT(answer({absent("blocking", 0, OutcomeKind::starved, "")}), SizeIs(1));
}

}  // namespace
}  // namespace echomux
