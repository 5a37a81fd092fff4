#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>

#include "harness/latency_histogram.hpp"
#include "harness/report.hpp"
#include "harness/results_file.hpp"
#include "harness/statistics.hpp"

namespace echomux {
namespace {

using std::chrono::nanoseconds;
using ::testing::HasSubstr;

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

std::vector<double> one_to(int n) {
  std::vector<double> values;
  for (int i = n; i >= 1; --i) values.push_back(i);
  return values;
}

TEST(MedianInterval, IsTheMiddleOrTheMeanOfTheMiddleTwo) {
  EXPECT_EQ(median_interval({3, 1, 2}).median, 2);
  EXPECT_EQ(median_interval({4, 1, 2, 3}).median, 2.5);
}

TEST(MedianInterval, HasNoBoundsBelowSixValues) {
  EXPECT_FALSE(median_interval(one_to(5)).bounds.has_value());
  EXPECT_TRUE(median_interval(one_to(6)).bounds.has_value());
}

// The ranks for 95 % in tables of the sign test, such as Conover's table A3 gives them.
TEST(MedianInterval, BoundsAreTheRanksOfTheTables) {
  struct Row {
    int n;
    double low;
    double high;
  };
  for (const Row& row : {Row{6, 1, 6}, Row{8, 1, 8}, Row{9, 2, 8}, Row{10, 2, 9}, Row{15, 4, 12},
                         Row{20, 6, 15}, Row{25, 8, 18}, Row{30, 10, 21}}) {
    const MedianInterval interval = median_interval(one_to(row.n));
    ASSERT_TRUE(interval.bounds.has_value());
    EXPECT_EQ(interval.bounds->low, row.low) << row.n;
    EXPECT_EQ(interval.bounds->high, row.high) << row.n;
  }
}

// A file that is gone when the test is over.
class TemporaryFile {
 public:
  TemporaryFile() {
    std::string pattern = (std::filesystem::temp_directory_path() / "echomux-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryFile() { std::filesystem::remove_all(directory_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  [[nodiscard]] std::filesystem::path path() const { return directory_ / "results.json"; }

 private:
  std::filesystem::path directory_;
};

Trial measured_trial(std::string server, std::size_t idle, double cpu_us, std::uint64_t scanned) {
  Trial trial;
  trial.server = std::move(server);
  trial.idle_connections = idle;
  trial.active_connections = 10;
  trial.offered_rps = trial.achieved_rps = 1000;
  trial.requests = 1000;
  trial.latency_us = {.p50 = 45.25, .p90 = 60, .p99 = 99, .p99_9 = 200, .max = 300, .mean = 50};
  trial.latency_uncorrected_us = trial.latency_us;
  trial.server_cpu_us_per_request = cpu_us;
  trial.server_cpu_busy_share = cpu_us / 1000;
  trial.counters = {{"waits", 1000},
                    {"recv_calls", 1000},
                    {"send_calls", 1000},
                    {"descriptors_scanned", scanned}};
  return trial;
}

Results sample_results() {
  Results results;
  results.context = describe_run({}, {"echomux", "bench"}, "0.0");
  results.trials.push_back(measured_trial("poll", 1000, 80, 1'012'000));
  results.trials.push_back(measured_trial("epoll_lt", 1000, 8, 1000));
  Trial starved;
  starved.server = "blocking";
  starved.idle_connections = 1000;
  starved.outcome = TrialOutcome::starved;
  starved.note = "starved: 0 of 10 served";
  results.trials.push_back(starved);
  return results;
}

TEST(ResultsFile, ComesBackAsItWasWritten) {
  const TemporaryFile file;
  const Results written = sample_results();
  write_results(file.path(), written);
  const Results read = read_results(file.path());
  EXPECT_EQ(report(read, TableFormat::text), report(written, TableFormat::text));
  EXPECT_EQ(read.trials.at(0).counters, written.trials.at(0).counters);
  EXPECT_EQ(read.trials.at(2).outcome, TrialOutcome::starved);
  EXPECT_EQ(read.context.command, written.context.command);
  // And nothing but the file is left behind.
  const std::filesystem::directory_iterator entries(file.path().parent_path());
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1);
}

TEST(ResultsFile, SaysWhatIsWrongWithAFile) {
  const TemporaryFile file;
  const auto message = [&]() -> std::string {
    try {
      static_cast<void>(read_results(file.path()));
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "read without complaint";
  };
  EXPECT_THAT(message(), HasSubstr("cannot read"));
  std::ofstream(file.path()) << R"({"schema_version": 1, "trials": [)";
  EXPECT_THAT(message(), HasSubstr("not a results file"));
  std::ofstream(file.path()) << R"({"schema_version": 99})";
  EXPECT_THAT(message(), HasSubstr("schema_version is 99"));
  std::ofstream(file.path()) << R"([1, 2])";
  EXPECT_THAT(message(), HasSubstr("not a results file"));
}

TEST(ResultsFile, SaysWhereItCannotWrite) {
  try {
    write_results("/proc/nowhere/results.json", sample_results());
    FAIL() << "wrote into /proc";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("cannot write the results to /proc/nowhere"));
  }
}

TEST(Report, ExplainsTheDifferenceByTheRunsOwnFigures) {
  const std::string text = report(sample_results(), TableFormat::text);
  EXPECT_THAT(text, HasSubstr("1000 idle connections"));
  EXPECT_THAT(text, HasSubstr("starved: 0 of 10 served"));
  EXPECT_THAT(text, HasSubstr("poll had 1012 descriptors examined per request"));
  EXPECT_THAT(text, HasSubstr("That is 10.0 times epoll_lt's CPU"));
}

TEST(Report, CountsSystemCallsAndScansPerRequest) {
  const Trial trial = measured_trial("poll", 1000, 80, 1'012'000);
  EXPECT_EQ(trial.scanned_per_request(), 1012);
  EXPECT_EQ(trial.system_calls_per_request(), 3);
  EXPECT_FALSE(Trial{}.scanned_per_request().has_value());
}

TEST(Report, EscapesWhatWouldBreakAMarkdownTable) {
  Results results = sample_results();
  results.trials.at(0).note = "a | b";
  EXPECT_THAT(report(results, TableFormat::markdown), HasSubstr("a \\| b"));
}

}  // namespace
}  // namespace echomux
