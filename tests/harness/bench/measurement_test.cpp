// One measurement, and the order of many.
#include "harness/bench/measurement.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <set>
#include <thread>

#include "harness/bench/rounds.hpp"
#include "tests/support/odd.hpp"
#include "tests/support/peer.hpp"

namespace echomux {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

Load short_load() {
  Load load;
  load.active_connections = 1;
  load.warmup = 100ms;
  load.duration = 300ms;
  return load;
}

// A server that burns 100 ms of CPU time whenever it is asked for its counters.
constexpr const char* costly_snapshots = R"(
import asyncio, signal, time
def snapshot(*_):
    end = time.thread_time() + 0.1
    while time.thread_time() < end: pass
    print('{"waits":1}', flush=True)
async def echo(reader, writer):
    while data := await reader.read(65536): writer.write(data)
    writer.close()
async def main():
    server = await asyncio.start_server(echo, '127.0.0.1', 0)
    signal.signal(signal.SIGUSR1, snapshot)
    print('echo listening on 127.0.0.1:%d' % server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
)";

TEST(Measurement, ChargesTheServerNothingForReportingItsCounters) {
  ServerProcess server({.arguments = {"python3", "-c", costly_snapshots}, .speaks_echomux = true});
  Load load = short_load();
  load.requests_per_second = 100;
  const Measurement measured = measure(server, load);
  const ServerCost& cost = measured.complete_cost();
  EXPECT_TRUE(cost.counters.contains("waits"));
  EXPECT_LT(cost.cpu_us_per_request * static_cast<double>(cost.requests), 80'000);
}

TEST(Measurement, SaysWhyThereIsNoCost) {
  try {
    static_cast<void>(measure(odd("refuse"), short_load()).complete_cost());
    ADD_FAILURE() << "a server that refuses everybody has a cost";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("0 connections were confirmed"), std::string::npos)
        << error.what();
  }
}

// What is read of the server at the begin is read before the window, and an answer that comes late
// doesn't stretch the time over which costs are spread.
TEST(Measurement, IsOfTheWindowAndNotOfStragglers) {
  ServerProcess server(odd("plain"));
  SwarmOptions options{.server = server.endpoint(), .load = short_load()};
  options.load.timeout = 10s;
  Clock::time_point opened;
  Clock::time_point begun;
  std::jthread holds_up;
  options.on_connections_open = [&] { opened = Clock::now(); };
  options.on_window_begin = [&] {
    begun = Clock::now();
    holds_up = std::jthread([&server] {
      std::this_thread::sleep_for(150ms);
      ::kill(server.pid(), SIGSTOP);
      std::this_thread::sleep_for(1500ms);
      ::kill(server.pid(), SIGCONT);
    });
  };
  const SwarmResult result = run_swarm(options);
  EXPECT_EQ(result.outcome.reason, RunEnd::completed);
  EXPECT_LT(begun - opened, options.load.warmup);
  EXPECT_GT(result.measured_requests, 0U);
  EXPECT_LT(result.measured_time, 1s);
}

TEST(Measurement, IsOfTheStragglersWhereThereIsNothingElse) {
  const Measurement late = measure(odd("delay=1s"), short_load());
  EXPECT_GT(late.result.measured_requests, 0U);
  EXPECT_GT(late.complete_cost().cpu_us_per_request, 0);
}

TEST(Measurement, GivesUpWhenACallbackThrows) {
  ServerProcess server(odd("plain"));
  SwarmOptions options{.server = server.endpoint(), .load = short_load()};
  options.on_window_begin = [] { throw std::runtime_error("of the callback"); };
  EXPECT_THROW(static_cast<void>(run_swarm(options)), std::runtime_error);
}

// A thread's stack in the kernel is memory of its connection.
TEST(MeasurementRunsAlone, CountsTheStacksOfThreadsInTheKernel) {
  Load load = short_load();
  load.idle_connections = 1500;
  const auto kernel_bytes = [&](const char* name) {
    return measure(serve_command(ECHOMUX_PROGRAM, name), load)
        .complete_cost()
        .kernel_bytes_per_connection.value();
  };
  constexpr double stack = 16'384;
  EXPECT_GT(kernel_bytes("threaded") - kernel_bytes("epoll_lt"), 0.8 * stack);
}

// A server that was held up answers late; that answer isn't the next one's.
TEST(ServerCounters, AreOfNowAfterALateAnswer) {
  ServerProcess server(serve_command(ECHOMUX_PROGRAM, "epoll_lt"));
  EXPECT_EQ(server.counters().value().at("accepted"), 0U);
  ASSERT_EQ(::kill(server.pid(), SIGSTOP), 0);
  EXPECT_EQ(server.counters(), std::nullopt);
  ASSERT_EQ(::kill(server.pid(), SIGCONT), 0);
  EXPECT_EQ(Peer(server.endpoint()).exchange("x"), "x");
  EXPECT_EQ(Peer(server.endpoint()).exchange("x"), "x");
  EXPECT_EQ(server.counters().value().at("accepted"), 2U);
  EXPECT_EQ(server.counters().value().count("asked"), 0U);
}

TEST(Rounds, HaveEachContenderOnceInAnOrderOfTheirOwn) {
  std::vector<std::vector<std::size_t>> orders(20);
  run_rounds(5, orders.size(),
             [&](std::size_t contender, std::size_t round) { orders[round].push_back(contender); });
  for (std::vector<std::size_t> order : orders) {
    std::ranges::sort(order);
    EXPECT_EQ(order, (std::vector<std::size_t>{0, 1, 2, 3, 4}));
  }
  EXPECT_GT(std::set(orders.begin(), orders.end()).size(), 10U);
  std::vector<std::size_t> again;
  run_rounds(5, 1, [&](std::size_t contender, std::size_t) { again.push_back(contender); });
  EXPECT_EQ(again, orders.front());
}

TEST(Rounds, EndWhenTheyAreAskedTo) {
  std::stop_source stop;
  int measured = 0;
  const auto measure_one = [&](std::size_t, std::size_t) {
    if (++measured == 7) stop.request_stop();
  };
  run_rounds(5, 100, measure_one, stop.get_token());
  EXPECT_EQ(measured, 7);
}

}  // namespace
}  // namespace echomux
