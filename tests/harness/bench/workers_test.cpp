#include "harness/bench/workers.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/support/child.hpp"

namespace echomux {
namespace {

using std::chrono::milliseconds;

WorkerReading reading(std::uint64_t accepted, std::uint64_t bytes, int cpu_ms,
                      std::uint64_t switches, int when_ms = 0) {
  return {.accepted = accepted,
          .bytes_received = bytes,
          .cpu = milliseconds(cpu_ms),
          .switches = switches,
          .when = milliseconds(when_ms)};
}

TEST(Workers, ShareOutWhatHappenedBetweenTwoReadings) {
  const WorkerSum begin{{reading(5, 1000, 10, 100), reading(5, 0, 0, 0)}};
  const WorkerSum end{{reading(7, 4000, 40, 160, 100), reading(5, 1000, 20, 10, 100)}};
  ServerCost cost;
  cost.requests = 400;
  divide_by_workers(begin, end, cost);
  ASSERT_EQ(cost.workers.size(), 2U);
  EXPECT_EQ(cost.worker_imbalance, 1.5);  // 3000 of 4000 bytes, over a half
  EXPECT_EQ(cost.workers[0].connections, 7U);
  EXPECT_EQ(cost.workers[0].requests_share, 0.75);
  EXPECT_DOUBLE_EQ(cost.workers[0].cpu_us_per_request.value(), 100);
  EXPECT_DOUBLE_EQ(cost.workers[0].switches_per_request.value(), 0.2);
  EXPECT_DOUBLE_EQ(cost.workers[0].busy_share.value(), 0.3);
  EXPECT_DOUBLE_EQ(cost.workers[1].cpu_us_per_request.value(), 200);
}

TEST(Workers, HaveNoFigureOfWhatIsNotKnown) {
  const WorkerSum begin{{reading(0, 0, 0, 0), reading(0, 0, 0, 0)}};
  WorkerSum end{{reading(0, 1000, 0, 0), reading(0, 0, 0, 0)}};
  end.workers[0].cpu.reset();
  ServerCost cost;
  cost.requests = 10;
  divide_by_workers(begin, end, cost);
  // Another thread accepts for both; the kernel doesn't tell the one's time; the other did nothing.
  EXPECT_EQ(cost.workers.at(0).connections, std::nullopt);
  EXPECT_EQ(cost.workers.at(0).cpu_us_per_request, std::nullopt);
  EXPECT_EQ(cost.workers.at(1).switches_per_request, std::nullopt);
  EXPECT_EQ(cost.worker_imbalance, 2);
  // One that had ended in between, and none at all.
  ServerCost none;
  divide_by_workers(begin, {{end.workers[0]}}, none);
  divide_by_workers({}, {}, none);
  EXPECT_TRUE(none.workers.empty());
  EXPECT_EQ(none.worker_imbalance, std::nullopt);
}

TEST(Workers, AreAddedUpOverWindows) {
  WorkerSum sum;
  sum.add({reading(5, 100, 10, 1, 1000)});
  sum.add({reading(6, 300, 20, 2, 2000)});
  ASSERT_EQ(sum.workers.size(), 1U);
  EXPECT_EQ(sum.workers[0].accepted, 6U);
  EXPECT_EQ(sum.workers[0].bytes_received, 400U);
  EXPECT_EQ(sum.workers[0].cpu, milliseconds(30));
  EXPECT_EQ(sum.workers[0].switches, 3U);
  EXPECT_EQ(sum.workers[0].when, milliseconds(3000));
  EXPECT_TRUE(sum.whole);
  // A window without an answer, be it the first.
  sum.add({});
  EXPECT_FALSE(sum.whole);
  WorkerSum begun_without;
  begun_without.add({});
  begun_without.add({reading(5, 100, 10, 1)});
  EXPECT_FALSE(begun_without.whole);
}

TEST(Workers, AreReadFromTheKernelToo) {
  const auto read = [] {
    return read_workers({{"thread_id", {static_cast<std::uint64_t>(::gettid())}},
                         {"accepted", {3}},
                         {"closed", {1}},
                         {"bytes_received", {64}}});
  };
  const std::vector<WorkerReading> before = read();
  ASSERT_EQ(before.size(), 1U);
  EXPECT_EQ(before[0].accepted - before[0].closed, 2U);
  if (!before[0].cpu) GTEST_SKIP() << "this kernel keeps no schedstat";
  burn_cpu(milliseconds(60));
  ::usleep(1000);  // what it has used is known when it has left its CPU
  const std::vector<WorkerReading> after = read();
  EXPECT_GE(*after[0].cpu - *before[0].cpu, milliseconds(40));
  EXPECT_GT(after[0].switches.value(), before[0].switches.value());
}

}  // namespace
}  // namespace echomux
