#include "harness/stats/statistics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numeric>
#include <random>
#include <span>
#include <vector>

namespace echomux {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pointwise;

// Permeability constants of human chorioamnion at term and between 12 and 26 weeks: Hollander and
// Wolfe, Nonparametric Statistical Methods, example 4.1. The help of R's wilcox.test has them too.
constexpr std::array at_term{0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46};
constexpr std::array at_weeks_12_to_26{1.15, 0.88, 0.90, 0.74, 1.21};

using Values = std::vector<double>;
using Row = std::array<int, 3>;  // of a table

Values mapped(std::span<const double> values, auto function) {
  Values result(values.size());
  std::ranges::transform(values, result.begin(), function);
  return result;
}

Values drawn(std::mt19937_64& random, std::size_t n, auto distribution) {
  Values values(n);
  for (double& value : values) value = distribution(random);
  return values;
}

// Each value with some noise, so that no two are equal.
Values random_values(std::mt19937_64& random, std::size_t n) {
  return drawn(random, n, std::lognormal_distribution<double>(0, 1));
}

// The two-sided p of U by dealing the values out to the samples in every possible way: twice the
// lesser tail.
double p_by_enumeration(const Values& a, const Values& b) {
  Values all = a;
  all.insert(all.end(), b.begin(), b.end());
  const double observed = mann_whitney(a, b).u;
  double ways = 0;
  double at_most = 0;
  double at_least = 0;
  for (unsigned chosen = 0; chosen < 1U << all.size(); ++chosen) {
    if (static_cast<std::size_t>(std::popcount(chosen)) != a.size()) continue;
    double u = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      for (std::size_t j = 0; j < all.size(); ++j) {
        if ((chosen >> i & 1U) == 0 || (chosen >> j & 1U) == 1) continue;
        u += all[i] > all[j] ? 1.0 : all[i] == all[j] ? 0.5 : 0.0;
      }
    }
    ++ways;
    at_most += u <= observed ? 1 : 0;
    at_least += u >= observed ? 1 : 0;
  }
  return std::min(1.0, 2 * std::min(at_most, at_least) / ways);
}

double kendall_score(const Values& values) {
  double s = 0;
  for (std::size_t j = 1; j < values.size(); ++j) {
    for (std::size_t i = 0; i < j; ++i) {
      s += static_cast<double>(values[j] > values[i]) - static_cast<double>(values[j] < values[i]);
    }
  }
  return s;
}

// The two-sided p of Kendall's S over all orders of the values.
double trend_p_by_enumeration(Values values) {
  const double observed = std::abs(kendall_score(values));
  std::ranges::sort(values);
  double ways = 0;
  double as_far = 0;
  do {
    ++ways;
    as_far += std::abs(kendall_score(values)) >= observed ? 1 : 0;
  } while (std::ranges::next_permutation(values).found);
  return as_far / ways;
}

TEST(Median, IsTheMiddleOrTheMeanOfTheMiddleTwo) {
  EXPECT_EQ(median(Values{7}), 7);
  EXPECT_EQ(median(Values{3, 1, 2}), 2);
  EXPECT_EQ(median(Values{4, 1, 2, 3}), 2.5);
}

// The ranks for 95 % in tables of the sign test, such as Conover's table A3 gives them. Six values
// lie all on one side of the median with probability 2 / 64, five with 2 / 32, which is too much.
TEST(MedianInterval, HasTheBoundsOfTheTables) {
  // How many values, and the ranks of both bounds.
  for (const auto& [n, low, high] :
       {Row{6, 1, 6}, Row{8, 1, 8}, Row{9, 2, 8}, Row{10, 2, 9}, Row{15, 4, 12}, Row{20, 6, 15},
        Row{25, 8, 18}, Row{30, 10, 21}}) {
    Values values;
    for (int i = n; i >= 1; --i) values.push_back(i);
    const MedianInterval interval = median_interval(values);
    EXPECT_EQ(interval.median, (n + 1) / 2.0);
    EXPECT_EQ(interval.bounds.value().low, low) << n;
    EXPECT_EQ(interval.bounds->high, high) << n;
  }
  EXPECT_FALSE(median_interval({5, 3, 9, 1, 8}).bounds.has_value());
  // Of so many, nearly none lie below the first with a probability that a double can hold.
  Values many(2000);
  std::iota(many.begin(), many.end(), 1);
  EXPECT_NEAR(median_interval(many).bounds.value().low, 1000 - 1.96 * std::sqrt(2000) / 2, 1);
}

TEST(Outliers, AreBeyondTukeysFences) {
  // The hinges are 2 and 4, so the fences -1 and 7: on the fence is not beyond it.
  EXPECT_THAT(outliers(Values{-1, 2, 3, 4, 7}), IsEmpty());
  EXPECT_THAT(outliers(Values{7.1, 2, 3, 4, -1.1}), ElementsAre(0, 4));
  // Both hinges are 5, and so are the fences.
  EXPECT_THAT(outliers(Values{5, 5, 6, 5, 5, 5, 5, 4}), ElementsAre(2, 7));
  // Few values have none.
  for (const Values& values : {Values{}, Values{1, 1, 100}, Values{1, 1, 1, 100}}) {
    EXPECT_THAT(outliers(values), IsEmpty());
  }
  EXPECT_THAT(outliers(Values{1, 1, 1, 1, 100}), ElementsAre(4));
}

TEST(MannWhitney, AgreesWithHollanderAndWolfe) {
  const RankTest test = mann_whitney(at_term, at_weeks_12_to_26);
  EXPECT_EQ(test.u, 35);
  EXPECT_NEAR(test.p / 2, 0.1272, 0.00005);  // one-sided in the book and in R's help
  EXPECT_NEAR(test.smallest_p, 2.0 / 3003, 1e-15);
}

TEST(MannWhitney, IsExactWithoutTies) {
  std::mt19937_64 random(1);
  for (std::size_t n = 1; n <= 5; ++n) {
    for (std::size_t m = 1; m <= 6; ++m) {
      for (int round = 0; round < 5; ++round) {
        const auto a = random_values(random, n);
        const auto b = random_values(random, m);
        EXPECT_NEAR(mann_whitney(a, b).p, p_by_enumeration(a, b), 1e-12) << n << " and " << m;
      }
    }
  }
}

TEST(MannWhitney, IsCloseWithTies) {
  std::mt19937_64 random(2);
  std::uniform_int_distribution<int> distribution(1, 6);
  for (int round = 0; round < 20; ++round) {
    const Values a = drawn(random, 8, distribution);
    const Values b = drawn(random, 7, distribution);
    const double exact = p_by_enumeration(a, b);
    EXPECT_NEAR(mann_whitney(a, b).p, exact, 0.2 * exact);
  }
}

// With zeros and ones only, the number of ones in a sample is hypergeometric, and U varies with it:
// with K ones among N = n + m values, its variance is n m K (N - K) / 4 (N - 1).
TEST(MannWhitney, CorrectsTheVarianceForTies) {
  Values a(20, 0);
  Values b(30, 0);
  std::fill_n(a.begin(), 9, 1.0);
  std::fill_n(b.begin(), 6, 1.0);
  const RankTest test = mann_whitney(a, b);
  EXPECT_EQ(test.u, 9 * 24 + (9 * 6 + 11 * 24) / 2.0);
  const double variance = 20.0 * 30 * 15 * 35 / (4.0 * 49);
  EXPECT_NEAR(test.p, std::erfc((test.u - 300 - 0.5) / std::sqrt(2 * variance)), 1e-12);
}

TEST(MannWhitney, IsTheSameWithTheSamplesSwappedOrTheValuesTransformed) {
  const RankTest test = mann_whitney(at_term, at_weeks_12_to_26);
  const RankTest swapped = mann_whitney(at_weeks_12_to_26, at_term);
  EXPECT_EQ(swapped.u, 50 - test.u);
  EXPECT_DOUBLE_EQ(swapped.p, test.p);
  EXPECT_DOUBLE_EQ(swapped.smallest_p, test.smallest_p);
  const auto cube = [](double value) { return value * value * value; };
  EXPECT_EQ(mann_whitney(mapped(at_term, cube), mapped(at_weeks_12_to_26, cube)).p, test.p);
}

TEST(MannWhitney, GivesTheSmallestPToSamplesApart) {
  for (const std::size_t n : {1U, 2U, 3U, 5U, 10U, 50U}) {
    Values low(n);
    std::iota(low.begin(), low.end(), 1.0);
    const auto high = mapped(low, [](double value) { return value + 1000; });
    const RankTest test = mann_whitney(low, high);
    EXPECT_EQ(test.u, 0);
    EXPECT_NEAR(test.p / test.smallest_p, 1, 1e-9) << n;
  }
  // Ties leave fewer arrangements, and so no smaller p; the approximation alone would give one.
  const RankTest tied = mann_whitney(Values{1, 1, 1}, Values{2, 2, 2});
  EXPECT_DOUBLE_EQ(tied.p, 0.1);
  EXPECT_DOUBLE_EQ(tied.smallest_p, 0.1);
}

TEST(MannWhitney, HardlyChangesWhereTheApproximationBegins) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 5; ++round) {
    auto a = random_values(random, 50);
    const auto b = mapped(random_values(random, 50), [](double value) { return value * 1.4; });
    const double exact = mann_whitney(a, b).p;
    a.push_back(median(a) * 1.000001);
    EXPECT_NEAR(mann_whitney(a, b).p, exact, 0.02);
  }
}

// The example that the article on the method in Wikipedia works through, "Holm-Bonferroni method".
TEST(Holm, AgreesWithTheWorkedExample) {
  EXPECT_THAT(holm(Values{0.01, 0.04, 0.03, 0.005}),
              Pointwise(DoubleNear(1e-15), {0.03, 0.06, 0.06, 0.02}));
}

TEST(Holm, IsMonotoneAndNeverAboveOne) {
  EXPECT_THAT(holm({}), IsEmpty());
  EXPECT_THAT(holm(Values{0.2}), ElementsAre(0.2));
  EXPECT_THAT(holm(Values{0.6, 0.9, 0.5}), ElementsAre(1, 1, 1));
  std::mt19937_64 random(4);
  const Values p = drawn(random, 20, std::uniform_real_distribution<double>(0, 0.2));
  const auto adjusted = holm(p);
  for (std::size_t i = 0; i < p.size(); ++i) {
    EXPECT_GE(adjusted[i], p[i]);
    EXPECT_LE(adjusted[i], 20 * p[i]);  // never worse than Bonferroni's
    for (std::size_t j = 0; j < p.size(); ++j) {
      EXPECT_TRUE(p[i] > p[j] || adjusted[i] <= adjusted[j]);
    }
  }
}

// The shift in the same example of Hollander and Wolfe is -0.305, between -0.76 and 0.15 (their
// examples 4.3 and 4.4); on powers of e it is the logarithm of the ratio.
TEST(RatioInterval, AgreesWithHollanderAndWolfe) {
  const auto power = [](double value) { return std::exp(value); };
  const RatioInterval interval =
      ratio_interval(mapped(at_term, power), mapped(at_weeks_12_to_26, power));
  EXPECT_NEAR(std::log(interval.ratio), -0.305, 1e-9);
  EXPECT_NEAR(std::log(interval.bounds.value().low), -0.76, 1e-9);
  EXPECT_NEAR(std::log(interval.bounds->high), 0.15, 1e-9);
}

// At either end as many ratios are left out as the critical value of U says in the tables of the
// two-sided test at 5 %.
TEST(RatioInterval, LeavesOutAsManyRatiosAsTheTablesSay) {
  std::mt19937_64 random(5);
  for (const auto& [n, m, critical] : {Row{3, 5, 0}, Row{4, 4, 0}, Row{5, 5, 2}, Row{6, 6, 5},
                                       Row{8, 8, 13}, Row{10, 10, 23}, Row{20, 20, 127}}) {
    const auto a = random_values(random, static_cast<std::size_t>(n));
    const auto b = random_values(random, static_cast<std::size_t>(m));
    const auto bounds = ratio_interval(a, b).bounds.value();
    Values ratios;
    for (const double x : a) {
      for (const double y : b) ratios.push_back(y / x);
    }
    const auto below = [&](double ratio) { return ratio < bounds.low * (1 - 1e-12); };
    const auto above = [&](double ratio) { return ratio > bounds.high * (1 + 1e-12); };
    EXPECT_EQ(std::ranges::count_if(ratios, below), critical) << n;
    EXPECT_EQ(std::ranges::count_if(ratios, above), critical) << n;
  }
}

TEST(RatioInterval, HasNoBoundsForTooFewValues) {
  EXPECT_FALSE(ratio_interval(Values{1, 2, 3}, Values{1, 2, 3}).bounds.has_value());
  EXPECT_FALSE(ratio_interval(Values{1, 2, 3}, Values{1, 2, 3, 4}).bounds.has_value());
  EXPECT_FALSE(ratio_interval(Values{1}, Values{1, 2, 3, 4}).bounds.has_value());
  EXPECT_EQ(ratio_interval(Values{2}, Values{3}).ratio, 1.5);
}

TEST(RatioInterval, ExcludesOneJustWhenTheTestGivesFivePercent) {
  std::mt19937_64 random(6);
  int excluded = 0;
  for (int round = 0; round < 200; ++round) {
    const auto a = random_values(random, 7);
    const auto b = mapped(random_values(random, 9), [](double value) { return value * 2.5; });
    const auto bounds = ratio_interval(a, b).bounds.value();
    const bool excludes_one = bounds.low > 1 || bounds.high < 1;
    EXPECT_EQ(excludes_one, mann_whitney(a, b).p <= 0.05);
    excluded += excludes_one ? 1 : 0;
  }
  EXPECT_GT(excluded, 20);
  EXPECT_LT(excluded, 180);
}

TEST(RatioInterval, IsInStepWithTheApproximationToo) {
  std::mt19937_64 random(10);
  const auto a = random_values(random, 70);
  const auto b = random_values(random, 60);
  const auto bounds = ratio_interval(a, b).bounds.value();
  for (const double bound : {bounds.low, bounds.high}) {
    const auto at_the_bound = mapped(b, [&](double value) { return value / (bound * 1.0000001); });
    EXPECT_NEAR(mann_whitney(a, at_the_bound).p, 0.05, 0.001);
  }
}

TEST(RatioInterval, TurnsOverWithTheSamplesAndGrowsWithTheScale) {
  std::mt19937_64 random(7);
  // The second pair of sizes is beyond what is exact.
  for (const std::size_t n : {12U, 60U}) {
    const auto a = random_values(random, n);
    const auto b = random_values(random, n + 1);
    const RatioInterval there = ratio_interval(a, b);
    const RatioInterval back = ratio_interval(b, a);
    const RatioInterval scaled =
        ratio_interval(a, mapped(b, [](double value) { return 3 * value; }));
    ASSERT_TRUE(there.bounds && back.bounds && scaled.bounds);
    EXPECT_NEAR(there.ratio * back.ratio, 1, 1e-12);
    EXPECT_NEAR(there.bounds->low * back.bounds->high, 1, 1e-12);
    EXPECT_NEAR(scaled.bounds->low, 3 * there.bounds->low, 1e-12);
    EXPECT_NEAR(scaled.bounds->high, 3 * there.bounds->high, 1e-12);
    EXPECT_LT(there.bounds->low, there.ratio);
    EXPECT_GT(there.bounds->high, there.ratio);
  }
}

// Gilbert, Statistical Methods for Environmental Pollution Monitoring (1987), section 16.4.2: S is
// 4 with four values, whose probability is 0.167 in his table A18.
TEST(Trend, AgreesWithGilbert) {
  const Values values{10, 15, 14, 20};
  EXPECT_EQ(kendall_score(values), 4);
  EXPECT_NEAR(trend(values).p / 2, 0.167, 0.0005);
}

TEST(Trend, IsExactWithoutTies) {
  std::mt19937_64 random(8);
  for (std::size_t n = 1; n <= 8; ++n) {
    for (int round = 0; round < 4; ++round) {
      const auto values = random_values(random, n);
      EXPECT_NEAR(trend(values).p, trend_p_by_enumeration(values), 1e-12) << n;
    }
  }
}

TEST(Trend, IsCloseWithTies) {
  for (const Values& values : {Values{1, 2, 2, 3, 5, 4, 5, 6}, Values{3, 1, 4, 1, 5, 9, 2, 6},
                               Values{2, 2, 1, 1, 3, 3, 2, 4}, Values{6, 5, 5, 4, 4, 4, 2, 2}}) {
    EXPECT_NEAR(trend(values).p, trend_p_by_enumeration(values), 0.02);
  }
}

// With zeros and ones only, S is twice a Mann-Whitney U of their positions less its mean, and so of
// variance n0 n1 (n + 1) / 3.
TEST(Trend, CorrectsTheVarianceForTies) {
  const Values values{0, 0, 1, 0, 0, 0, 1, 0, 1, 1, 0, 1};
  const double variance = 7.0 * 5 * 13 / 3;
  EXPECT_EQ(kendall_score(values), 17);
  EXPECT_NEAR(trend(values).p, std::erfc((17 - 1) / std::sqrt(2 * variance)), 1e-12);
}

TEST(Trend, IsCertainWithTwentyValuesThatRiseOrFall) {
  Values values(20);
  std::iota(values.begin(), values.end(), 100.0);
  EXPECT_LT(trend(values).p, 1e-15);
  std::ranges::reverse(values);
  EXPECT_LT(trend(values).p, 1e-15);
}

TEST(Trend, HardlyChangesWhereTheApproximationBegins) {
  std::mt19937_64 random(9);
  auto values = random_values(random, 50);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] *= 1 + static_cast<double>(i) / 50;
  const double exact = trend(values).p;
  values.insert(values.begin() + 25, median(values) * 1.000001);
  EXPECT_NEAR(trend(values).p, exact, 0.02);
}

TEST(Trend, TellsHowMuchTheLineOfTheilAndSenRises) {
  // From 90 to 110 around a median of 100, and the one value far off doesn't matter.
  Values values{90, 92, 94, 96, 98, 100, 102, 104, 106, 108, 110};
  EXPECT_NEAR(trend(values).relative_change, 0.2, 1e-12);
  values[8] = 5000;
  EXPECT_NEAR(trend(values).relative_change, 0.2, 1e-12);
  std::ranges::reverse(values);
  EXPECT_NEAR(trend(values).relative_change, -0.2, 1e-12);
}

TEST(LeastSquaresSlope, IsThatOfTheLine) {
  EXPECT_DOUBLE_EQ(*least_squares_slope(std::array{1.0, 2.0, 3.0}, std::array{5.0, 7.0, 9.0}), 2);
  EXPECT_DOUBLE_EQ(*least_squares_slope(std::array{0.0, 1.0, 2.0}, std::array{0.0, 3.0, 0.0}), 0);
  EXPECT_FALSE(least_squares_slope(std::array{2.0, 2.0}, std::array{1.0, 3.0}));
  EXPECT_FALSE(least_squares_slope(std::array{2.0}, std::array{1.0}));
}

TEST(Tests, FindNothingInEqualValuesNorInOne) {
  EXPECT_EQ(mann_whitney(Values(9, 4), Values(7, 4)).p, 1);
  const Trend flat = trend(Values(10, 3));
  EXPECT_EQ(flat.p, 1);
  EXPECT_EQ(flat.relative_change, 0);
  EXPECT_EQ(trend(Values{5}).p, 1);
  EXPECT_EQ(trend(Values(10, 0)).relative_change, 0);
}

}  // namespace
}  // namespace echomux
