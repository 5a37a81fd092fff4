// Counting from several threads, and a stop request as a descriptor.

#include "echo/server_stats.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "echo/stop_event.hpp"
#include "echo/system_call.hpp"
#include "tests/support/sanitizers.hpp"

namespace echomux {
namespace {

std::uint64_t value(const CounterSnapshot& snapshot, std::string_view name) {
  for (std::size_t i = 0; i < counter_fields.size(); ++i) {
    if (counter_fields[i].name == name) return snapshot[i];
  }
  ADD_FAILURE() << "there is no counter " << name;
  return 0;
}

// A counter added to Counters but forgotten in the table would never be printed.
TEST(ServerStats, ReportsEveryCounterOnceUnderItsOwnName) {
  std::set<std::string_view> names;
  for (const CounterField& field : counter_fields) names.insert(field.name);
  EXPECT_EQ(names.size(), counter_fields.size());
  // And the thread's number, which is no count.
  EXPECT_EQ((counter_fields.size() + 1) * sizeof(Counter), sizeof(Counters));

  ServerStats stats;
  for (std::size_t i = 0; i < counter_fields.size(); ++i) {
    (stats.main().*counter_fields[i].member).add(i + 1);
  }
  const CounterSnapshot snapshot = stats.snapshot();
  for (std::size_t i = 0; i < counter_fields.size(); ++i) EXPECT_EQ(snapshot[i], i + 1);
}

TEST(ServerStats, SumsThreadsThatRunAndThreadsThatEnded) {
  ServerStats stats;
  stats.main().accepted.add(100);
  std::optional<ThreadCounters> first(std::in_place, stats);
  std::optional<ThreadCounters> second(std::in_place, stats);
  first->get().accepted.add(20);
  second->get().accepted.add(3);
  second->get().closed.add();
  EXPECT_EQ(value(stats.snapshot(), "accepted"), 123U);
  first.reset();
  EXPECT_EQ(value(stats.snapshot(), "accepted"), 123U);
  std::optional<ThreadCounters> third(std::in_place, stats);
  third->get().accepted.add(1000);
  EXPECT_EQ(value(stats.snapshot(), "accepted"), 1123U);
  second.reset();
  third.reset();
  EXPECT_EQ(value(stats.snapshot(), "accepted"), 1123U);
  EXPECT_EQ(value(stats.snapshot(), "closed"), 1U);
}

// Threads come, count and end while others look on: no count may ever be lost or seen twice.
TEST(ServerStats, MayBeReadWhileThreadsCountAndEnd) {
  constexpr int threads = 4;
  constexpr int lives = 50;
  constexpr int counts = 200;
  constexpr std::uint64_t total = std::uint64_t{threads} * lives * counts;
  ServerStats stats;
  std::atomic<int> working = threads;
  std::vector<std::jthread> workers;
  workers.reserve(threads);
  for (int i = 0; i < threads; ++i) {
    workers.emplace_back([&] {
      for (int life = 0; life < lives; ++life) {
        ThreadCounters own(stats);
        for (int count = 0; count < counts; ++count) own.get().recv_calls.add();
      }
      --working;
    });
  }
  std::uint64_t last = 0;
  while (working > 0) {
    const std::uint64_t now = value(stats.snapshot(), "recv_calls");
    ASSERT_GE(now, last);
    ASSERT_LE(now, total);
    last = now;
  }
  workers.clear();
  EXPECT_EQ(value(stats.snapshot(), "recv_calls"), total);
}

bool readable(int fd, std::chrono::milliseconds limit = std::chrono::milliseconds(0)) {
  pollfd watched{.fd = fd, .events = POLLIN, .revents = 0};
  return check(::poll(&watched, 1, static_cast<int>(limit.count())), "poll") == 1;
}

TEST(StopEvent, BecomesAndStaysReadableWhenAStopIsRequested) {
  std::stop_source stop;
  const StopEvent event(stop.get_token());
  EXPECT_FALSE(readable(event.fd()));
  stop.request_stop();
  EXPECT_TRUE(readable(event.fd()));
  EXPECT_TRUE(readable(event.fd()));
}

TEST(StopEvent, IsReadableFromTheStartWhenTheRequestCameBefore) {
  std::stop_source stop;
  stop.request_stop();
  const StopEvent event(stop.get_token());
  EXPECT_TRUE(readable(event.fd()));
}

TEST(StopEvent, WakesAThreadThatSleeps) {
  std::stop_source stop;
  const StopEvent event(stop.get_token());
  const std::jthread other([&] { stop.request_stop(); });
  EXPECT_TRUE(readable(event.fd(), patience));
}

TEST(StopEvent, ServesSeveralListenersAndMayBeGoneBeforeTheRequest) {
  std::stop_source stop;
  const StopEvent kept(stop.get_token());
  std::optional<StopEvent> gone(std::in_place, stop.get_token());
  const int number = gone->fd();
  gone.reset();
  // The number is free and now somebody else's, who must not be written to.
  const StopEvent other((std::stop_source().get_token()));
  ASSERT_EQ(other.fd(), number);
  stop.request_stop();
  EXPECT_TRUE(readable(kept.fd()));
  EXPECT_FALSE(readable(other.fd()));
}

TEST(StopEvent, IsNotInheritedByPrograms) {
  const StopEvent event((std::stop_token()));
  EXPECT_NE(::fcntl(event.fd(), F_GETFD) & FD_CLOEXEC, 0);
}

}  // namespace
}  // namespace echomux
