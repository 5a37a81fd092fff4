#include "report/figure.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/select.h>

#include <cmath>
#include <limits>
#include <random>

#include "harness/machine/cpu.hpp"
#include "harness/text/json.hpp"
#include "report/cost_model.hpp"
#include "reproduce/served_bench.hpp"
#include "tests/support/sample_figures.hpp"

namespace echomux {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// A figure whose lines follow y = scale * x^slope, with a little noise in each of seven rounds.
class FigureTest : public ::testing::Test {
 protected:
  FigureTest() {
    figure_.id = "test";
    figure_.lines = {"one", "other"};
    for (const double x : {10.0, 100.0, 1000.0}) {
      figure_.published["one"][x] = 2 * x;
      figure_.published["other"][x] = 50;
    }
  }

  void measure(const std::string& line, double scale, double slope) {
    for (const double x : {10.0, 100.0, 1000.0}) {
      for (int round = 0; round < 7; ++round) {
        const double noise = std::uniform_real_distribution(0.97, 1.03)(random_);
        figure_.measured[line].rounds[x].push_back(noise * scale * std::pow(x, slope));
      }
    }
  }

  Figure figure_;
  std::mt19937 random_{1};
};

TEST_F(FigureTest, FindsTheSameSlopeOnAnotherMachine) {
  measure("one", 0.3, 1);  // a seventh of the time, the same growth
  const Shape shape = compare_slope(figure_, "one");
  EXPECT_NEAR(shape.published.value(), 1, 1e-9);
  EXPECT_NEAR(shape.measured->median, 1, 0.03);
  ASSERT_TRUE(shape.measured->bounds.has_value());
  EXPECT_EQ(shape.verdict, ShapeVerdict::reproduced);
}

TEST_F(FigureTest, TellsAnotherSlope) {
  measure("one", 0.3, 0.5);
  const Shape slower = compare_slope(figure_, "one");
  EXPECT_EQ(slower.verdict, ShapeVerdict::differs);
  EXPECT_THAT(slower.how, HasSubstr("more slowly"));
  measure("other", 0.3, 0.4);
  const Shape faster = compare_slope(figure_, "other");
  EXPECT_EQ(faster.verdict, ShapeVerdict::differs);
  EXPECT_THAT(faster.how, HasSubstr("faster"));
}

TEST_F(FigureTest, TellsAnotherFall) {
  for (auto& [x, y] : figure_.published["one"]) y = 1000 / x;
  measure("one", 1000, -0.5);
  EXPECT_THAT(compare_slope(figure_, "one").how, HasSubstr("falls more slowly"));
}

TEST_F(FigureTest, ComparesSlopesOverThePlacesThatBothHave) {
  measure("one", 1, 1);
  // A last place that could not be measured must not bend the published slope either.
  figure_.published["one"][100'000] = 5;
  EXPECT_NEAR(compare_slope(figure_, "one").published.value(), 1, 1e-9);
}

TEST_F(FigureTest, TakesWhatItCanReachForTheDirection) {
  figure_.published["one"] = {{10, 10}, {1'000'000, 1'000'000}};
  MeasuredLine& line = figure_.measured["one"];
  line.rounds = {{10, {1, 1, 1}}, {1'000, {10, 10, 10}}};
  line.not_possible[1'000'000] = {Obstacle::machine_limit, "too few descriptors"};
  const Shape shape = compare_slope(figure_, "one");
  EXPECT_EQ(shape.what, "slope of one (here from 10 to 1,000)");
  EXPECT_NEAR(shape.published.value(), 1, 1e-9);
  EXPECT_NEAR(shape.measured->median, 0.5, 1e-9);
  EXPECT_EQ(shape.verdict, ShapeVerdict::differs);
  // Places beyond the published ones say nothing about the published line.
  line.rounds = {{10, {1, 1, 1}}, {10'000'000, {10, 10, 10}}};
  EXPECT_EQ(compare_slope(figure_, "one").verdict, ShapeVerdict::not_possible_here);
}

TEST_F(FigureTest, SaysWhereNothingCouldBeMeasured) {
  EXPECT_EQ(compare_slope(figure_, "one").verdict, ShapeVerdict::not_possible_here);
  figure_.measured["one"].not_possible[10] = {Obstacle::machine_limit, "too few descriptors"};
  const Shape ratio = compare_ratio(figure_, "one", "other", 10);
  EXPECT_EQ(ratio.verdict, ShapeVerdict::not_possible_here);
  EXPECT_EQ(ratio.how, "too few descriptors");
  EXPECT_EQ(compare_crossing(figure_, "one", "other").verdict, ShapeVerdict::not_possible_here);
}

TEST_F(FigureTest, ComparesRatiosWithinAFactorOfTwo) {
  measure("one", 1, 1);     // 1000 at 1000
  measure("other", 25, 0);  // published 2000 / 50 = 40, here 40
  EXPECT_EQ(compare_ratio(figure_, "one", "other", 1000).verdict, ShapeVerdict::reproduced);
  figure_.measured.clear();
  measure("one", 1, 1);
  measure("other", 100, 0);  // 10 here
  const Shape shape = compare_ratio(figure_, "one", "other", 1000);
  EXPECT_EQ(shape.verdict, ShapeVerdict::differs);
  EXPECT_THAT(shape.how, HasSubstr("the same line is the higher one"));
  // At 10 the published ratio is 0.4, and 0.1 here.
  EXPECT_EQ(compare_ratio(figure_, "one", "other", 10).verdict, ShapeVerdict::differs);
}

TEST_F(FigureTest, FindsWhereLinesCross) {
  measure("one", 2, 1);
  measure("other", 50, 0);  // at 25, as published
  const Shape same = compare_crossing(figure_, "one", "other");
  EXPECT_NEAR(same.published.value(), 25, 0.1);
  EXPECT_NEAR(same.measured->median, 25, 2);
  EXPECT_EQ(same.verdict, ShapeVerdict::reproduced);
  figure_.measured.clear();
  measure("one", 0.2, 1);
  measure("other", 50, 0);  // at 250
  EXPECT_EQ(compare_crossing(figure_, "one", "other").verdict, ShapeVerdict::differs);
}

TEST_F(FigureTest, KnowsLinesThatNeverCross) {
  measure("one", 2, 1);
  measure("other", 50, 0);
  for (auto& [x, y] : figure_.published["one"]) y = 1;
  const Shape never = compare_crossing(figure_, "one", "other");
  EXPECT_TRUE(std::isinf(never.published.value()));
  EXPECT_EQ(never.verdict, ShapeVerdict::differs);
  figure_.measured.clear();
  measure("one", 1, 0);
  measure("other", 50, 0);
  EXPECT_EQ(compare_crossing(figure_, "one", "other").verdict, ShapeVerdict::reproduced);
}

TEST_F(FigureTest, ShowsPublishedAndMeasuredSideBySide) {
  measure("one", 2, 1);
  figure_.measured["other"].not_possible[1000] = {Obstacle::machine_limit, "no descriptors"};
  figure_.shapes.push_back(compare_slope(figure_, "one"));
  const std::string text = to_text(figure_);
  EXPECT_THAT(text, HasSubstr("slope of one"));
  EXPECT_THAT(text, HasSubstr("reproduced"));
  EXPECT_THAT(text, HasSubstr("not possible here"));
  EXPECT_THAT(text, HasSubstr("1 of 1 shapes reproduced"));
  const auto json = to_json(figure_);
  EXPECT_EQ(json.at("shapes").at(0).at("verdict"), "reproduced");
  EXPECT_EQ(json.at("lines").at(0).at("measured").size(), 3U);
}

TEST(Figures, ShowASecondQuantityInATableOfItsOwn) {
  const Figure figure = sample_two_quantities();
  const std::string text = to_text(figure);
  EXPECT_THAT(text, HasSubstr("99th percentile of the latency: µs from when a message was due"));
  EXPECT_THAT(text, HasSubstr("starved: peers were connected"));
  EXPECT_THAT(text, HasSubstr("10,000"));
  EXPECT_THAT(text, Not(HasSubstr("e+0")));
  const auto second = to_json(figure).at("second");
  EXPECT_EQ(second.at("unit"), "µs from when a message was due");
  EXPECT_EQ(second.at("lines").size(), 7U);
  EXPECT_EQ(second.at("lines").at(1).at("measured").size(), 5U);
  EXPECT_EQ(second.at("lines").at(0).at("not_possible").at(0).at("obstacle"), "starved");
}

TEST(Figures, SayWhereLookingAtEveryDescriptorIsCheaper) {
  const Figure figure = sample_with_fit();
  EXPECT_THAT(to_text(figure), HasSubstr("poll costs less than epoll_lt at 300 active: 0."));
  for (const Win& win : measured_wins(figure)) {
    EXPECT_LT(win.ratio.bounds->high, 1);
    EXPECT_GE(win.at, 100);
  }
  EXPECT_THAT(to_text(sample_with_zero()), HasSubstr("poll does more than epoll_lt at 0 idle: "));
  EXPECT_EQ(published_wins(sample_crossing()).size(), 2U);  // at 256 and 512
}

TEST(Figures, HaveTheFittedModelAndWhatFollowsFromIt) {
  const Figure figure = sample_with_fit();
  const auto fit = to_json(figure).at("fit");
  ASSERT_EQ(fit.at("lines").size(), 4U);
  EXPECT_NEAR(fit.at("lines").at(1).at("per_watched_us").at("median").get<double>(), 0.2987, 1e-3);
  EXPECT_FALSE(fit.at("lines").at(1).at("per_watched_us").at("low").is_null());
  EXPECT_NEAR(fit.at("lines").at(1).at("r_squared").at("median").get<double>(), 0.997, 1e-9);
  const auto& crossing = fit.at("crossings").at(0);
  EXPECT_EQ(crossing.at("scanning"), "poll");
  EXPECT_FALSE(crossing.at("implied_ready").at("low").is_null());
  EXPECT_FALSE(crossing.at("measured_active").at("median").is_null());
  EXPECT_THAT(to_text(figure), HasSubstr("as measured per request: from "));
}

// select has its limit, all others none.
const FigureRun a_run{.progress = [](const std::string&) {},
                      .stop = {},
                      .server =
                          [](const std::string& line) {
                            SweepServer server;
                            if (line == "select") server.max_connections = FD_SETSIZE;
                            return server;
                          }};

TEST(ServedBench, GivesTheCpusBackThatItKeptTo) {
  const std::vector<int> before = usable_cpus();
  {
    const ServedBench bench(a_run);
    EXPECT_EQ(usable_cpus().size(), 1U);
  }
  EXPECT_EQ(usable_cpus(), before);
}

TEST(ServedBench, TellsWhatKeepsAServerFromBeingMeasured) {
  const ServedBench bench(a_run);
  EXPECT_FALSE(bench.not_possible("poll", 100).has_value());
  EXPECT_EQ(bench.not_possible("select", 1024)->obstacle, Obstacle::own_limit);
  EXPECT_EQ(in_brief(*bench.not_possible("select", 1024)), "limit 1024");
  EXPECT_FALSE(bench.not_possible("select", 1010).has_value());
  EXPECT_EQ(bench.not_possible("poll", std::numeric_limits<std::size_t>::max() / 2)->obstacle,
            Obstacle::machine_limit);
}

TEST(CostFit, TakesItsCrossingOverAllRounds) {
  RoundModels scanning;
  RoundModels epoll;
  for (std::size_t round = 0; round < 7; ++round) {
    scanning[round] = {.fixed_us = 0, .per_watched_us = 0.1, .per_ready_us = 1};
    // At 100, 50, 33, … ready.
    epoll[round] = {.fixed_us = 0, .per_ready_us = 2.0 + static_cast<double>(round)};
  }
  const auto crossing = implied_crossing(scanning, epoll, 1000);
  ASSERT_TRUE(crossing.has_value());
  EXPECT_NEAR(crossing->median, 25, 1e-9);
  EXPECT_NEAR(crossing->bounds->high, 100, 1e-9);
  epoll.erase(0);
  EXPECT_LT(implied_crossing(scanning, epoll, 1000)->median, 25);
  EXPECT_FALSE(implied_crossing(scanning, {}, 1000).has_value());
  for (auto& [round, model] : epoll) model.per_ready_us = 0.5;
  EXPECT_TRUE(std::isinf(implied_crossing(scanning, epoll, 1000)->median));
  for (auto& [round, model] : epoll) model.fixed_us = 200;
  EXPECT_EQ(implied_crossing(scanning, epoll, 1000)->median, 0);
}

TEST(CostModel, FindsTheCoefficientsOfItsOwnFormula) {
  std::vector<WaitCost> observations;
  for (const double watched : {10.0, 100.0, 1000.0, 5000.0}) {
    for (const double ready : {1.0, 10.0, 100.0}) {
      observations.push_back({watched, ready, 3 + 0.05 * watched + 0.8 * ready});
    }
  }
  const auto model = fit_cost(observations);
  ASSERT_TRUE(model.has_value());
  EXPECT_NEAR(model->fixed_us, 3, 1e-6);
  EXPECT_NEAR(model->per_watched_us, 0.05, 1e-9);
  EXPECT_NEAR(model->per_ready_us, 0.8, 1e-8);
  EXPECT_NEAR(model->r_squared, 1, 1e-9);
}

TEST(CostModel, DoesNotFitWhatDoesNotDetermineIt) {
  EXPECT_FALSE(fit_cost({}).has_value());
  const std::vector<WaitCost> same(10, WaitCost{100, 1, 5});
  EXPECT_FALSE(fit_cost(same).has_value());
}

TEST(CostModel, SaysHowBadlyItFits) {
  std::mt19937 random(1);
  std::vector<WaitCost> observations;
  observations.reserve(200);
  for (int i = 0; i < 200; ++i) {
    observations.push_back({std::uniform_real_distribution(1.0, 100.0)(random),
                            std::uniform_real_distribution(1.0, 100.0)(random),
                            std::uniform_real_distribution(50.0, 100.0)(random)});
  }
  EXPECT_LT(fit_cost(observations)->r_squared, 0.3);
}

}  // namespace
}  // namespace echomux
