#include "harness/load/arrivals.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <vector>

namespace echomux {
namespace {

using std::chrono::nanoseconds;

constexpr ArrivalSchedule::TimePoint start{std::chrono::hours(5)};

Load load_of(double rate, std::size_t connections, Arrivals arrivals) {
  Load options;
  options.requests_per_second = rate;
  options.active_connections = connections;
  options.arrivals = arrivals;
  return options;
}

// When the first `count` messages of a connection are due, in nanoseconds since the start.
std::vector<double> first_times(const Load& options, std::size_t connection, std::size_t count) {
  ArrivalSchedule schedule(options, connection);
  schedule.begin(start);
  std::vector<double> times;
  for (std::size_t i = 0; i < count; ++i) {
    times.push_back(static_cast<double>((schedule.due() - start).count()));
    schedule.advance();
  }
  return times;
}

// The times between them, from the start to the first included.
std::vector<double> gaps(const Load& options, std::size_t connection, std::size_t count) {
  std::vector<double> times = first_times(options, connection, count);
  std::adjacent_difference(times.begin(), times.end(), times.begin());
  return times;
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// Pearson's.
double correlation(const std::vector<double>& a, const std::vector<double>& b) {
  const double mean_a = mean(a);
  const double mean_b = mean(b);
  double ab = 0;
  double aa = 0;
  double bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - mean_a) * (b[i] - mean_b);
    aa += (a[i] - mean_a) * (a[i] - mean_a);
    bb += (b[i] - mean_b) * (b[i] - mean_b);
  }
  return ab / std::sqrt(aa * bb);
}

// When a message is due, rounded from the exact fraction.
std::int64_t exact_ns(std::int64_t message, std::int64_t rate) {
  return (2 * message * 1'000'000'000 + rate) / (2 * rate);
}

// The messages of all connections of a part, or of the whole, that are due in a second.
std::vector<double> due_in_a_second(const Load& load) {
  std::vector<double> times;
  for (std::size_t i = 0; i < load.own_active(); ++i) {
    ArrivalSchedule schedule(load, load.part.index + i * load.part.count);
    schedule.begin(start);
    for (; schedule.due() < start + std::chrono::seconds(1); schedule.advance()) {
      times.push_back(static_cast<double>((schedule.due() - start).count()));
    }
  }
  std::sort(times.begin(), times.end());
  return times;
}

// Several clients together offer the same arrivals as one does.
TEST(Arrivals, OfAllPartsAreThoseOfTheWhole) {
  for (const Arrivals arrivals : {Arrivals::uniform, Arrivals::poisson}) {
    for (const std::size_t count : {2U, 3U, 7U, 17U}) {
      Load load = load_of(1234, 17, arrivals);
      const std::vector<double> whole = due_in_a_second(load);
      std::vector<double> parts;
      for (std::size_t i = 0; i < count; ++i) {
        load.part = {i, count};
        const std::vector<double> own = due_in_a_second(load);
        parts.insert(parts.end(), own.begin(), own.end());
      }
      std::sort(parts.begin(), parts.end());
      EXPECT_EQ(parts, whole) << count << " parts";
    }
  }
}

TEST(UniformArrivals, GoRoundTheConnectionsInTurn) {
  for (const std::int64_t rate : {1, 3, 7, 1000, 33'333}) {
    for (const std::size_t connection : {0U, 1U, 6U}) {
      const auto options = load_of(static_cast<double>(rate), 7, Arrivals::uniform);
      ArrivalSchedule schedule(options, connection);
      schedule.begin(start);
      for (std::int64_t n = 0; n < 1000; ++n, schedule.advance()) {
        const std::int64_t message = n * 7 + static_cast<std::int64_t>(connection);
        ASSERT_EQ((schedule.due() - start).count(), exact_ns(message, rate))
            << "message " << message << " at " << rate << "/s";
      }
    }
  }
}

TEST(UniformArrivals, DoNotDriftInAMillionMessages) {
  for (const std::int64_t rate : {3'000, 7'000, 1'000'000}) {
    ArrivalSchedule schedule(load_of(static_cast<double>(rate), 3, Arrivals::uniform), 2);
    schedule.begin(start);
    for (int i = 0; i < 1'000'000; ++i) schedule.advance();
    // One nanosecond is what a double may be off by at such a distance.
    EXPECT_LE(std::abs((schedule.due() - start).count() - exact_ns(3'000'002, rate)), 1) << rate;
  }
}

TEST(PoissonArrivals, AreTheSameWithTheSameSeedOnly) {
  Load options = load_of(1000, 10, Arrivals::poisson);
  const std::vector<double> once = first_times(options, 3, 1000);
  EXPECT_EQ(first_times(options, 3, 1000), once);
  EXPECT_NE(first_times(options, 4, 1000), once);
  options.seed = 2;
  EXPECT_NE(first_times(options, 3, 1000), once);
}

TEST(PoissonArrivals, OfNeighbouringSeedsHaveNothingInCommon) {
  Load options = load_of(1000, 1, Arrivals::poisson);
  const std::vector<double> one = gaps(options, 0, 10'000);
  options.seed = 2;
  const std::vector<double> other = gaps(options, 0, 10'000);
  EXPECT_NEAR(correlation(one, other), 0, 0.04);
  // Nor when one of them is a message ahead.
  EXPECT_NEAR(correlation({one.begin() + 1, one.end()}, {other.begin(), other.end() - 1}), 0, 0.04);
}

TEST(PoissonArrivals, HaveExponentialGaps) {
  const std::vector<double> all = gaps(load_of(2000, 5, Arrivals::poisson), 0, 100'000);
  constexpr double expected = 2.5e6;  // 5 connections share 2000 messages per second
  EXPECT_NEAR(mean(all), expected, expected * 3 / std::sqrt(100'000));
  for (const double multiple : {0.1, 0.5, 1.0, 2.0, 4.0}) {
    const auto below =
        std::ranges::count_if(all, [&](double g) { return g < multiple * expected; });
    const double share = 1 - std::exp(-multiple);
    EXPECT_NEAR(static_cast<double>(below) / 100'000, share,
                4 * std::sqrt(share * (1 - share) / 100'000))
        << multiple;
  }
  EXPECT_GE(std::ranges::min(all), 0);
  // Each without regard to the one before.
  EXPECT_NEAR(correlation({all.begin() + 1, all.end()}, {all.begin(), all.end() - 1}), 0, 0.0127);
}

TEST(PoissonArrivals, OfConnectionsAreIndependent) {
  const Load options = load_of(1000, 100, Arrivals::poisson);
  const std::vector<double> first = gaps(options, 0, 10'000);
  for (std::size_t connection = 1; connection < 5; ++connection) {
    EXPECT_NEAR(correlation(first, gaps(options, connection, 10'000)), 0, 0.04) << connection;
  }
  // The whole is a Poisson process, where numbers in equal times vary as much as their mean is.
  std::vector<double> counts(1000);
  for (std::size_t connection = 0; connection < 100; ++connection) {
    for (const double ns : first_times(options, connection, 300)) {
      const auto bin = static_cast<std::size_t>(ns / 10e6);
      if (bin < counts.size()) ++counts[bin];
    }
  }
  double variance = 0;
  for (const double count : counts) variance += (count - mean(counts)) * (count - mean(counts));
  variance /= 999;
  EXPECT_NEAR(mean(counts), 10, 0.3);
  EXPECT_NEAR(variance / mean(counts), 1, 0.18);
}

}  // namespace
}  // namespace echomux
