#include "harness/load/latency_histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace echomux {
namespace {

using std::chrono::nanoseconds;

TEST(LatencyHistogram, IsEmptyAtFirst) {
  const LatencyHistogram histogram;
  EXPECT_EQ(histogram.count(), 0U);
  EXPECT_EQ(histogram.percentile(50), nanoseconds(0));
  EXPECT_EQ(histogram.max(), nanoseconds(0));
  EXPECT_EQ(histogram.mean(), nanoseconds(0));
}

TEST(LatencyHistogram, KeepsThreeSignificantDigitsOfEveryMagnitude) {
  for (std::int64_t ns = 1; ns < 60'000'000'000; ns = ns * 17 / 10 + 1) {
    LatencyHistogram histogram;
    histogram.record(nanoseconds(ns));
    histogram.record(nanoseconds(60'000'000'000));  // so that the maximum doesn't tell the median
    const double median = static_cast<double>(histogram.percentile(50).count());
    EXPECT_GE(median, static_cast<double>(ns));
    EXPECT_LE(median, static_cast<double>(ns) * 1.001);
  }
}

TEST(LatencyHistogram, AgreesWithTheSortedValues) {
  std::mt19937_64 random(7);
  std::lognormal_distribution<double> distribution(11, 2);
  LatencyHistogram histogram;
  std::vector<std::int64_t> values;
  for (int i = 0; i < 10'000; ++i) {
    values.push_back(static_cast<std::int64_t>(distribution(random)));
    histogram.record(nanoseconds(values.back()));
  }
  std::ranges::sort(values);
  for (const double percent : {1.0, 25.0, 50.0, 90.0, 99.0, 99.9, 99.99, 100.0}) {
    const auto rank = static_cast<std::size_t>(std::ceil(percent / 100 * 10'000));
    const auto exact = static_cast<double>(values[rank - 1]);
    EXPECT_NEAR(static_cast<double>(histogram.percentile(percent).count()), exact, exact * 0.001);
  }
  EXPECT_EQ(histogram.max().count(), values.back());
}

TEST(LatencyHistogram, ClampsWhatItCannotHold) {
  LatencyHistogram histogram;
  histogram.record(nanoseconds(-5));
  EXPECT_EQ(histogram.percentile(100), nanoseconds(0));
  histogram.record(std::chrono::hours(1));
  EXPECT_GT(histogram.max(), std::chrono::seconds(60));
  EXPECT_LT(histogram.max(), std::chrono::seconds(70));
}

TEST(LatencyHistogram, AddsUp) {
  LatencyHistogram one;
  LatencyHistogram other;
  for (int i = 0; i < 60; ++i) one.record(nanoseconds(100));
  for (int i = 0; i < 40; ++i) other.record(nanoseconds(300));
  one.add(other);
  EXPECT_EQ(one.count(), 100U);
  EXPECT_EQ(one.percentile(60), nanoseconds(100));
  EXPECT_EQ(one.percentile(61), nanoseconds(300));
  EXPECT_EQ(one.mean(), nanoseconds(180));
}

}  // namespace
}  // namespace echomux
