// What the swarm tells of a load, as far as `echomux swarm` doesn't show it: its tests have the
// rest.
#include "harness/load/swarm.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "tests/support/odd.hpp"

namespace echomux {
namespace {

using namespace std::chrono_literals;

SwarmOptions short_load(const Endpoint& server) {
  SwarmOptions options;
  options.server = server;
  options.load.active_connections = 3;
  options.load.requests_per_second = 500;
  options.load.warmup = 20ms;
  options.load.duration = 300ms;
  options.load.timeout = 500ms;
  return options;
}

TEST(Swarm, CallsBackAtBothEndsOfTheWindow) {
  const ServerProcess server(odd("plain"));
  SwarmOptions options = short_load(server.endpoint());
  std::vector<std::string> calls;
  options.on_window_begin = [&] { calls.emplace_back("begin"); };
  options.on_window_end = [&] { calls.emplace_back("end"); };
  static_cast<void>(run_swarm(options));
  EXPECT_THAT(calls, ::testing::ElementsAre("begin", "end"));
}

// Its connections stay, and what isn't counted isn't in the result.
TEST(Swarm, LoadsInSlices) {
  const ServerProcess server(odd("plain"));
  SwarmOptions options = short_load(server.endpoint());
  options.load.duration = 200ms;
  Swarm swarm(options);
  EXPECT_FALSE(swarm.going_on());
  swarm.open();
  swarm.load(50ms, 0ms, false);
  for (int i = 0; i < 4; ++i) {
    const SwarmSlice slice = swarm.load(20ms, 50ms);
    EXPECT_TRUE(slice.drained);
    EXPECT_FALSE(slice.lost_at_rest);
    EXPECT_GE(slice.time, 50ms);
    std::this_thread::sleep_for(10ms);
  }
  swarm.load(20ms, 50ms, false);
  EXPECT_TRUE(swarm.going_on());
  const SwarmResult result = swarm.close();
  EXPECT_EQ(result.outcome.reason, RunEnd::completed);
  EXPECT_EQ(result.windows, 4U);
  EXPECT_NEAR(static_cast<double>(result.latency.count()), 100, 4);
  EXPECT_EQ(result.latency_by_part.size(), 4U);
  EXPECT_EQ(result.connections_lost, 0U);
  EXPECT_GE(result.window_time, 200ms);
}

TEST(Swarm, TellsWhichConnectionsEndedAtRest) {
  ServerProcess server(odd("plain"));
  const SwarmOptions options = short_load(server.endpoint());
  Swarm swarm(options);
  swarm.open();
  EXPECT_FALSE(swarm.load(20ms, 50ms).lost_at_rest);
  server.stop();
  EXPECT_TRUE(swarm.load(20ms, 50ms).lost_at_rest);
  EXPECT_FALSE(swarm.going_on());
  EXPECT_EQ(swarm.close().outcome.reason, RunEnd::server_gone);
}

TEST(Swarm, CountsTheConnectionsThatTheServerEnds) {
  for (const char* const mode : {"reset=15", "die=45"}) {
    const ServerProcess server(odd(mode));
    const SwarmResult result = run_swarm(short_load(server.endpoint()));
    EXPECT_EQ(result.outcome.reason, RunEnd::server_gone) << mode;
    EXPECT_EQ(result.connections_lost, 3U) << mode;
  }
}

TEST(Swarm, CountsLatencyFromWhenAMessageWasDue) {
  // Every answer takes 20 ms on one connection that should send every 10 ms: the queue grows, and
  // only the time since each was due shows it.
  const ServerProcess server(odd("delay=20ms"));
  SwarmOptions options = short_load(server.endpoint());
  options.load.active_connections = 1;
  options.load.requests_per_second = 100;
  options.load.duration = 400ms;
  const SwarmResult result = run_swarm(options);
  ASSERT_EQ(result.outcome.reason, RunEnd::completed);
  EXPECT_LT(result.latency_uncorrected.percentile(50), result.latency.percentile(50));
  EXPECT_GT(result.latency.max(), 150ms);
}

}  // namespace
}  // namespace echomux
