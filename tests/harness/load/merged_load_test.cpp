#include "harness/load/merged_load.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "harness/load/arrivals.hpp"
#include "harness/load/hdr_format.hpp"

namespace echomux {
namespace {

using std::chrono::nanoseconds;
using ::testing::HasSubstr;

// A load that went well, with these latencies.
SwarmResult seen(const std::vector<nanoseconds>& latencies) {
  SwarmResult result;
  for (const nanoseconds latency : latencies) {
    result.latency.record(latency);
    result.latency_uncorrected.record(latency / 2);
  }
  result.windows = 1;
  result.window_time = result.measured_time = std::chrono::seconds(1);
  result.window_requests = result.measured_requests = latencies.size();
  result.active_confirmed = 4;
  result.client_cpu = std::chrono::microseconds(10) * static_cast<int>(latencies.size());
  return result;
}

LoadPart part_of(const std::string& host, const std::vector<nanoseconds>& latencies,
                 Part part = {}) {
  Load load;
  load.active_connections = 4 * part.count;
  load.requests_per_second = 1000;
  load.part = part;
  return {.host = host, .part = part, .load = make_load_report(load, seen(latencies))};
}

std::vector<nanoseconds> many(std::size_t count, double mean_us, unsigned seed) {
  std::mt19937 random(seed);
  std::exponential_distribution<double> latency(1 / mean_us);
  std::vector<nanoseconds> values(count);
  for (nanoseconds& value : values) {
    value = nanoseconds(static_cast<std::int64_t>(1000 * latency(random)) + 1);
  }
  return values;
}

// Merged and single are the same, bucket by bucket.
TEST(MergedLoad, HasTheHistogramOfOneClientWithAllRequests) {
  std::vector<LoadPart> parts;
  std::vector<nanoseconds> all;
  for (const unsigned i : {0U, 1U, 2U}) {
    const std::vector<nanoseconds> own = many(1000 * (i + 1), 100 * (i + 1), i);
    all.insert(all.end(), own.begin(), own.end());
    parts.push_back(part_of("h" + std::to_string(i), own, {i, 3}));
  }
  Load load;
  load.active_connections = 12;
  load.requests_per_second = 1000;
  SwarmResult together = seen(all);
  together.active_confirmed = 12;
  const LoadReport single = make_load_report(load, together);
  const LoadReport whole = merged(parts);
  EXPECT_EQ(whole.histogram_v2, single.histogram_v2);
  EXPECT_EQ(whole.histogram_uncorrected_v2, single.histogram_uncorrected_v2);
  EXPECT_EQ(whole.requests, single.requests);
  EXPECT_EQ(whole.active, single.active);
  EXPECT_EQ(whole.active_confirmed, single.active_confirmed);
  EXPECT_EQ(whole.offered_rps, single.offered_rps);
  EXPECT_EQ(whole.latency_us.p50, single.latency_us.p50);
  EXPECT_EQ(whole.latency_us.p99_9, single.latency_us.p99_9);
  EXPECT_EQ(whole.latency_us.max, single.latency_us.max);
  EXPECT_NEAR(whole.latency_us.mean, single.latency_us.mean, 1e-6);
  EXPECT_NEAR(whole.client_cpu_us_per_request, 10, 1e-9);
}

TEST(MergedLoad, HasNoPercentileBeyondTheLargestValue) {
  const std::vector<LoadPart> parts{part_of("a", many(500, 1000, 1)), part_of("b", many(7, 10, 2))};
  const LoadReport whole = merged(parts);
  EXPECT_LE(whole.latency_us.p99_99, whole.latency_us.max);
  EXPECT_EQ(whole.latency_us.max,
            std::max(parts[0].load.latency_us.max, parts[1].load.latency_us.max));
}

TEST(MergedLoad, LeavesOutTheLatenciesOfThoseWhoOnlyLoad) {
  std::vector<LoadPart> parts{part_of("a", many(100, 100, 1)), part_of("b", many(300, 100, 2))};
  parts[1].measures = false;
  const LoadReport whole = merged(parts);
  EXPECT_EQ(whole.requests, 400U);
  EXPECT_EQ(whole.histogram_v2, parts[0].load.histogram_v2);
}

TEST(MergedLoad, HasTheWorstThatBefellAClient) {
  std::vector<LoadPart> parts{part_of("a", many(100, 100, 1)), part_of("b", many(100, 100, 2))};
  parts[1].load.client_busy_share = 0.97;
  parts[1].load.outcome.end(RunEnd::refused);
  parts[1].load.outcome.sentence = "Connection refused";
  const LoadReport whole = merged(parts);
  EXPECT_EQ(whole.outcome.reason, RunEnd::refused);
  const Judgement judgement = judge(whole, parts, std::chrono::seconds(1));
  EXPECT_EQ(judgement.verdict, Verdict::invalid);
  EXPECT_THAT(judgement.reasons.front().sentence, HasSubstr("b: "));
}

TEST(MergedLoad, IsSuspectWhenItsPartsWereNotMeasuredTogether) {
  std::vector<LoadPart> parts{part_of("a", many(1000, 100, 1)), part_of("b", many(1000, 100, 2))};
  parts[0].load.window_began_unix_s = 1000;
  for (const auto& [began, verdict] :
       {std::pair{1000.005, Verdict::valid}, std::pair{1000.02, Verdict::suspect}}) {
    parts[1].load.window_began_unix_s = began;
    EXPECT_EQ(judge(merged(parts), parts, std::chrono::seconds(1)).verdict, verdict) << began;
  }
}

TEST(MergedLoad, NamesTheHostThatOwnsTheTail) {
  std::vector<nanoseconds> slow = many(1000, 100, 3);
  for (int i = 0; i < 60; ++i) slow.push_back(std::chrono::milliseconds(50));
  std::vector<LoadPart> parts{part_of("a", many(1000, 100, 1)), part_of("b", many(1000, 100, 2)),
                              part_of("c", slow)};
  const auto owner = tail_owner(parts);
  ASSERT_TRUE(owner.has_value());
  EXPECT_EQ(owner->host, "c");
  EXPECT_GT(owner->tail_share, 0.9);
  EXPECT_NEAR(owner->request_share, 1060.0 / 3060, 1e-9);
  parts.back() = part_of("c", many(1000, 100, 3));
  EXPECT_FALSE(tail_owner(parts).has_value());
}

TEST(MergedLoad, IsToldByHost) {
  const std::vector<LoadPart> parts{part_of("b", many(10, 100, 1)), part_of("a", many(20, 100, 2)),
                                    part_of("b", many(30, 100, 3))};
  const std::vector<HostLoad> hosts = by_host(parts);
  ASSERT_EQ(hosts.size(), 2U);
  EXPECT_EQ(hosts[0].host, "b");
  EXPECT_EQ(hosts[0].parts, 2U);
  EXPECT_EQ(hosts[0].load.requests, 40U);
}

// --- parts of a load ---

TEST(Part, IsReadAsItIsWritten) {
  Part part;
  read_text("2/3", part);
  EXPECT_EQ(part, (Part{1, 3}));
  EXPECT_EQ(part.to_string(), "2/3");
  for (const char* const wrong : {"", "/", "1", "0/3", "4/3", "1/0", "-1/3", "1/3 ", "a/b", "1/3/5",
                                  "1/100001", "99999999999999999999/1"}) {
    EXPECT_THROW(read_text(wrong, part), std::invalid_argument) << wrong;
  }
}

TEST(Part, HasItsExactShareOfAllConnections) {
  for (const std::size_t count : {1U, 2U, 3U, 7U, 64U}) {
    std::size_t idle = 0;
    std::size_t active = 0;
    for (std::size_t i = 0; i < count; ++i) {
      Load load;
      load.idle_connections = 1000;
      load.active_connections = 17;
      load.part = {i, count};
      idle += load.own_idle();
      active += load.own_active();
    }
    EXPECT_EQ(idle, 1000U);
    EXPECT_EQ(active, 17U);
  }
}

}  // namespace
}  // namespace echomux
