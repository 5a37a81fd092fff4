// Hostile peers, a few of them: a well-behaved one beside them gets all of its bytes, and the
// server's memory keeps its bound. No time is asserted.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/endurance/hostile_report.hpp"
#include "tests/support/sanitizers.hpp"

namespace echomux {
namespace {

HostileTarget ours(const std::string& name) {
  HostileTarget target{.name = name, .command = {}, .max_connections = std::nullopt};
  target.command = serve_command(ECHOMUX_PROGRAM, name);
  target.thread_per_connection = name == "threaded";
  return target;
}

HostileKind kind_of(const std::string& name) {
  for (const HostileKind& kind : hostile_kinds(100)) {
    if (kind.name == name) return kind;
  }
  throw std::invalid_argument("no such kind: " + name);
}

HostileTrial attempt(const HostileTarget& target, const std::string& kind) {
  return try_hostile(target, kind_of(kind), {.hostile_give_way = false});
}

class HostilePeers : public ::testing::TestWithParam<std::string> {};

TEST_P(HostilePeers, HarmNobodyElse) {
  if (under_sanitizer) GTEST_SKIP() << "its allocator has memory of its own";
  for (const char* kind : {"never read", "urgent data", "an hour's bytes"}) {
    const HostileTrial trial = attempt(ours(GetParam()), kind);
    EXPECT_EQ(trial.failure, "") << kind;
    EXPECT_TRUE(trial.beside.served()) << kind;
    EXPECT_LE(trial.memory_growth, trial.memory_bound) << kind;
    EXPECT_EQ(trial.hostile.wrong, 0U) << kind;
  }
}

INSTANTIATE_TEST_SUITE_P(Servers, HostilePeers, ::testing::Values("epoll_lt", "threaded"),
                         [](const auto& test) { return test.param; });

TEST(HostileTrial, ChecksEveryByteOfAStream) {
  const HostileTrial trial = attempt(ours("epoll_et"), "an hour's bytes");
  EXPECT_EQ(trial.hostile.completed, 1U);
  EXPECT_EQ(trial.hostile.bytes_checked, 36'000'000U);
}

TEST(HostileTrial, SaysThatOneAtATimeStarves) {
  HostileTarget blocking = ours("blocking");
  blocking.max_connections = 1;
  const HostileTrial trial = attempt(blocking, "trickle");
  EXPECT_EQ(trial.limit, "starved");
  EXPECT_EQ(trial.failure, "");
  EXPECT_TRUE(trial.after.served());
}

TEST(HostileTrial, FindsAServerAboveItsBound) {
  if (under_sanitizer) GTEST_SKIP() << "its allocator has memory of its own";
  HostileTarget target{.name = "odd", .command = {}, .max_connections = std::nullopt};
  target.command.arguments = {ODD_SERVER, "{port}", "leak-memory=2000000"};
  EXPECT_NE(attempt(target, "trickle").failure.find("its memory grew by"), std::string::npos);
}

TEST(HostileTrial, FindsWrongBytes) {
  HostileTarget target{.name = "odd", .command = {}, .max_connections = std::nullopt};
  target.command.arguments = {ODD_SERVER, "{port}", "corrupt=1000"};
  EXPECT_NE(attempt(target, "urgent data").failure, "");
}

}  // namespace
}  // namespace echomux
