// What slices say, and servers that stand side by side.
#include "harness/bench/slices.hpp"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "harness/bench/row.hpp"
#include "harness/machine/needs.hpp"
#include "harness/server/programs.hpp"
#include "tests/support/odd.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/trials.hpp"

namespace echomux {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

double ratio(const std::vector<std::optional<double>>& effects, std::size_t above,
             std::size_t below) {
  return std::exp(effects.at(above).value() - effects.at(below).value());
}

// The machine is twice as slow in every other round, and takes its CPU away in one slice of each.
TEST(LogEffects, AreFreeOfTheMachinesMood) {
  RoundCosts floor;
  RoundCosts server;
  RoundCosts third;
  for (std::size_t round = 0; round < 9; ++round) {
    const double mood = round % 2 == 0 ? 1 : 2;
    floor[round] = 10 * mood;
    server[round] = 12 * mood;
    third[round] = 30 * mood;
  }
  floor[3] *= 1.5;
  server[4] *= 0.6;
  third[7] *= 4;
  third.erase(5);
  // One that was there in slow rounds alone.
  const RoundCosts late{{1, 28}, {3, 28}, {7, 28}};
  const auto effects = log_effects({floor, server, third, {}, late});
  EXPECT_NEAR(ratio(effects, 1, 0), 1.2, 1e-9);
  EXPECT_NEAR(ratio(effects, 2, 0), 3, 1e-9);
  EXPECT_EQ(effects.at(3), std::nullopt);
  EXPECT_NEAR(ratio(effects, 4, 0), 1.4, 1e-9);
}

// So many repetitions of each server, whose costs have these ratios to the floor, with a spread.
Results row_of(const std::vector<double>& ratios, std::size_t repetitions, double spread,
               std::uint64_t seed) {
  Results results;
  SweepPlan& plan = results.context.plan;
  plan.idle_connections = {0};
  plan.rates = {1000};
  plan.repetitions = repetitions;
  std::mt19937_64 random(seed);
  std::normal_distribution<double> noise(0, spread);
  for (std::size_t i = 0; i < ratios.size(); ++i) {
    plan.servers.push_back(
        {.name = std::to_string(i), .backend = {}, .options = {}, .command = {}});
  }
  for (std::size_t repetition = 1; repetition <= repetitions; ++repetition) {
    const double floor = noise(random);
    const double empty_floor = noise(random);
    for (std::size_t i = 0; i < ratios.size(); ++i) {
      Trial trial = clean_trial({std::to_string(i), 0, 1000}, repetition);
      const double cost = noise(random);
      trial.cost->cpu_ratio_to_floor = ratios[i] * std::exp(cost - floor);
      trial.cost->cpu_ratio_to_empty_floor = ratios[i] * std::exp(cost - empty_floor);
      results.trials.push_back(trial);
    }
  }
  return results;
}

TEST(RatioInterval, HoldsTheTruthAsOftenAsItSays) {
  constexpr int runs = 400;
  int held = 0;
  int called_different = 0;
  int noticed = 0;
  for (int run = 0; run < runs; ++run) {
    const auto cells = summarize(row_of({1, 1, 1.3}, 3, 0.03, static_cast<std::uint64_t>(run)));
    const auto& bounds = cells.at(2).metric(ratio_to_floor).interval.bounds.value();
    held += bounds.low <= 1.3 && 1.3 <= bounds.high ? 1 : 0;
    called_different += told_apart(cells[0], cells[1]) || told_apart(cells[1], cells[0]) ? 1 : 0;
    noticed += told_apart(cells[0], cells[2]) ? 1 : 0;
  }
  EXPECT_NEAR(held, 0.95 * runs, 0.03 * runs);
  EXPECT_LT(called_different, 0.04 * runs);
  EXPECT_GT(noticed, 0.98 * runs);
}

TEST(RatioInterval, NeedsFreshProcesses) {
  const auto cells = summarize(row_of({1, 2}, 1, 0.03, 1));
  EXPECT_EQ(cells.at(0).metric(ratio_to_floor).interval.bounds, std::nullopt);
  EXPECT_EQ(cells.at(0).spread, std::nullopt);
}

TEST(RatioInterval, IsACellsOwnWhereItVariesFarMoreThanTheOthers) {
  Results results = row_of({1, 1, 1, 1, 1}, 5, 0.01, 1);
  for (Trial& trial : results.trials) {
    if (trial.cell.server != "4" || trial.repetition != 1) continue;
    *trial.cost->cpu_ratio_to_floor *= 9;
    *trial.cost->cpu_ratio_to_empty_floor *= 9;
  }
  const auto cells = summarize(results);
  EXPECT_GT(cells.at(4).spread->deviation, 2 * cells.at(0).spread->deviation);
}

// --- rows that are really run ---

SweepServer server_of(ServerCommand command) {
  SweepServer server;
  server.command = std::move(command);
  return server;
}

SweepServer floor_of_row() {
  SweepServer floor = server_of({.arguments = {floor_program(), "{port}"}});
  floor.is_floor = true;
  return floor;
}

struct Ran {
  std::vector<Trial> trials;
  std::vector<SystemCallCount> counts;
};

// One row beside so many idle connections, in slices.
Ran run_servers(const std::vector<SweepServer>& servers, std::size_t idle = 20) {
  SweepPlan plan;
  plan.idle_connections = {idle};
  plan.rates = {500};
  plan.load.warmup = 0ms;
  plan.load.duration = 200ms;
  plan.slice = 50ms;
  plan.pin = plan.keep_awake = false;
  for (std::size_t i = 0; i < servers.size(); ++i) {
    plan.servers.push_back(
        {.name = std::to_string(i), .backend = {}, .options = {}, .command = {}});
  }
  Ran ran;
  SweepObserver observer;
  observer.after = [&](const Trial& trial) { ran.trials.push_back(trial); };
  run_sweep(plan, servers, floor_of_row(), {}, observer, {});
  std::ranges::sort(ran.trials, {}, [](const Trial& trial) { return trial.cell.server; });
  return ran;
}

TEST(Row, LoadsItsServersInSlices) {
  const Ran ran = run_servers({floor_of_row(), server_of(odd("plain"))});
  ASSERT_EQ(ran.trials.size(), 2U);
  for (const Trial& trial : ran.trials) {
    SCOPED_TRACE(trial.cell.server);
    EXPECT_EQ(trial.outcome.kind, OutcomeKind::measured) << trial.outcome.sentence;
    EXPECT_EQ(trial.load->windows, 4U);
    EXPECT_EQ(trial.load->idle_held, 20U);
    EXPECT_NEAR(static_cast<double>(trial.load->requests), 100, 5);
    EXPECT_FALSE(trial.cost->slice_cpu_us_per_request.empty());
    EXPECT_GT(trial.cost->cpu_ratio_to_empty_floor, 0);
  }
  EXPECT_EQ(ran.trials.front().cost->cpu_ratio_to_floor, 1);
}

TEST(Row, GoesOnWithoutAServerThatFails) {
  const Ran ran = run_servers({server_of(odd("plain")), server_of(odd("die=30")),
                               server_of({.arguments = {"/bin/false", "{port}"}}),
                               server_of(odd("silent")), server_of(odd("corrupt=200"))});
  ASSERT_EQ(ran.trials.size(), 5U);
  EXPECT_EQ(ran.trials[0].outcome.kind, OutcomeKind::measured);
  EXPECT_THAT(ran.trials[1].outcome.sentence, HasSubstr("ended by itself"));
  EXPECT_THAT(ran.trials[2].outcome.sentence, HasSubstr("ended before it listened"));
  EXPECT_EQ(ran.trials[3].outcome.kind, OutcomeKind::starved);
  EXPECT_THAT(ran.trials[4].outcome.sentence, HasSubstr("corrupt"));
}

// It can only stand alone, since there is one file for all of its processes.
TEST(Row, RunsWhoCannotStandSideBySideBesideTheFloorAlone) {
  const TemporaryDirectory directory;
  const std::string once = fmt::format("exec 9>{}; flock -n 9 || exit 1; exec {} $0 plain",
                                       (directory / "lock").string(), ODD_SERVER);
  const SweepServer locked = server_of({.arguments = {"/bin/sh", "-c", once, "{port}"}});
  const Ran ran = run_servers({locked, locked});
  ASSERT_EQ(ran.trials.size(), 2U);
  std::size_t alone = 0;
  for (const Trial& trial : ran.trials) {
    EXPECT_EQ(trial.outcome.kind, OutcomeKind::measured) << trial.outcome.sentence;
    for (const std::string& code : codes(trial.judgement)) alone += code == "beside_floor_alone";
  }
  EXPECT_EQ(alone, 1U);
}

// As little as one of them takes, or less than that.
TEST(Row, RunsWhoDoesNotFitIntoMemoryApart) {
  const SweepServer plain = server_of(odd("plain"));
  const SweepServer floor = floor_of_row();
  SweepPlan plan;
  plan.rates = {500};
  plan.load.active_connections = 10;
  plan.load.duration = 40ms;
  plan.slice = 20ms;
  const SweepContext context{plan, plan_cpus(false, false), std::nullopt, {}};
  const RowObserver nobody{[](const Trial&) {}, [](std::size_t, std::size_t) {},
                           [](const SystemCallCount&) {}};
  const auto run = [&](std::uint64_t connections) {
    RowTask task;
    task.floor = floor;
    task.memory_bytes = connections * connection_bytes;
    for (const char* const name : {"one", "two"}) {
      Trial trial;
      trial.cell = {name, 20, 500};
      trial.active_connections = 10;
      task.contenders.push_back({trial, &plain});
    }
    run_row(task, context, nobody);
    return task;
  };
  const RowTask tight = run(60);
  EXPECT_THAT(codes(tight.contenders[0].trial.judgement), Not(Contains("beside_floor_alone")));
  EXPECT_THAT(codes(tight.contenders[1].trial.judgement), Contains("beside_floor_alone"));
  for (const RowTask::Contender& one : tight.contenders) {
    EXPECT_TRUE(one.trial.has_figures()) << one.trial.outcome.sentence;
  }
  for (const RowTask::Contender& one : run(59).contenders) {
    EXPECT_EQ(one.trial.outcome.kind, OutcomeKind::not_possible);
    EXPECT_THAT(one.trial.outcome.sentence, HasSubstr("of memory are left"));
  }
}

// What was kept apart was never run: a run that goes on later is to measure it.
TEST(Row, LeavesNoTrialForMeasuredThatAStopCameBefore) {
  const SweepServer plain = server_of(odd("plain"));
  SweepPlan plan;
  plan.rates = {500};
  plan.load.duration = 40ms;
  plan.slice = 20ms;
  std::stop_source stop;
  stop.request_stop();
  const SweepContext context{plan, plan_cpus(false, false), std::nullopt, stop.get_token()};
  RowTask task;
  task.floor = floor_of_row();
  task.memory_bytes = 2 * connection_bytes;
  for (const char* const name : {"one", "two"}) {
    Trial trial;
    trial.cell = {name, 0, 500};
    trial.active_connections = 1;
    task.contenders.push_back({trial, &plain});
  }
  run_row(task, context,
          {[](const Trial&) {}, [](std::size_t, std::size_t) {}, [](const SystemCallCount&) {}});
  for (const RowTask::Contender& one : task.contenders) {
    EXPECT_EQ(one.trial.outcome.kind, OutcomeKind::interrupted) << one.trial.cell.server;
  }
}

// The suite's own is told to close idle connections, between two slices or while they are held.
TEST(Row, TellsOfAServerThatClosesIdleConnections) {
  SweepServer closes =
      server_of(serve_command(ECHOMUX_PROGRAM, "epoll_lt", {"--idle-timeout", "60ms"}));
  const Ran ran = run_servers({closes, server_of(odd("plain"))}, 0);
  ASSERT_EQ(ran.trials.size(), 2U);
  EXPECT_EQ(ran.trials[0].outcome.kind, OutcomeKind::failed);
  EXPECT_THAT(ran.trials[0].outcome.sentence,
              ::testing::AllOf(HasSubstr("closes idle connections"), HasSubstr("use --fresh")));
  EXPECT_EQ(ran.trials[1].outcome.kind, OutcomeKind::measured);
}

TEST(Row, TakesAServersEndForNoIdleTimeout) {
  const Ran ran =
      run_servers({server_of({.arguments = {"timeout", "0.4", ODD_SERVER, "{port}", "plain"}}),
                   server_of(odd("plain"))});
  ASSERT_EQ(ran.trials.size(), 2U);
  EXPECT_EQ(ran.trials[0].outcome.kind, OutcomeKind::failed);
  EXPECT_THAT(ran.trials[0].outcome.sentence, HasSubstr("ended by itself"));
  EXPECT_EQ(ran.trials[1].outcome.kind, OutcomeKind::measured);
}

// A foreign server that spins is halted while others are loaded, and goes on in its turn.
TEST(Row, HaltsWhoNeverRests) {
  constexpr const char* spins = R"(
import socket, sys
listener = socket.create_server(('127.0.0.1', int(sys.argv[1])))
listener.setblocking(False)
peers = []
while True:
    try:
        peer = listener.accept()[0]
        peer.setblocking(False)
        peers.append(peer)
    except BlockingIOError: pass
    for peer in list(peers):
        try:
            data = peer.recv(65536)
            if data: peer.send(data)
            else: peers.remove(peer)
        except BlockingIOError: pass
        except OSError: peers.remove(peer)
)";
  const SweepServer spinning = server_of({.arguments = {"python3", "-c", spins, "{port}"}});
  const Ran ran = run_servers({spinning, server_of(odd("plain"))}, 5);
  ASSERT_EQ(ran.trials.size(), 2U);
  for (const Trial& trial : ran.trials) {
    EXPECT_EQ(trial.outcome.kind, OutcomeKind::measured) << trial.outcome.sentence;
  }
  // On a busy machine it has to wait for its CPU.
  const ServerCost& cost = *ran.trials[0].cost;
  EXPECT_GT(cost.busy_share + cost.run_queue_share.value_or(0), 0.5);
}

}  // namespace
}  // namespace echomux
