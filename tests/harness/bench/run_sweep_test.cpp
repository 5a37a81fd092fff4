// Sweeps that are really run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "harness/bench/sweep.hpp"
#include "harness/bench/trial.hpp"
#include "tests/support/odd.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/trials.hpp"

namespace echomux {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

SweepServer server_running(std::vector<std::string> arguments) {
  SweepServer server;
  server.command.arguments = std::move(arguments);
  return server;
}

SweepServer well_behaved() {
  return server_running({ECHOMUX_PROGRAM, "serve", "epoll_lt", "--port", "{port}"});
}

SweepPlan short_plan() {
  SweepPlan plan;
  plan.servers = {{.name = "mine", .backend = {}, .options = {}, .command = "mine"}};
  plan.idle_connections = {0};
  plan.rates = {1000};
  plan.load.duration = plan.load.warmup = std::chrono::milliseconds(100);
  plan.pin = plan.keep_awake = false;
  return plan;
}

// What a sweep told its observer.
struct Told {
  std::vector<Trial> trials;
  std::vector<double> ceilings;
  std::vector<std::string> no_ceilings;
};

Told sweep_with_floor(const std::optional<SweepServer>& floor) {
  Told told;
  SweepObserver observer;
  observer.after = [&](const Trial& trial) { told.trials.push_back(trial); };
  observer.ceiling = [&](double rps) { told.ceilings.push_back(rps); };
  observer.no_ceiling = [&](const std::string& why) { told.no_ceilings.push_back(why); };
  run_sweep(short_plan(), {well_behaved()}, floor, {}, observer, {});
  return told;
}

TEST(RunSweep, MeasuresTheClientsCeilingAgainstTheFloor) {
  const Told told = sweep_with_floor(well_behaved());
  EXPECT_THAT(told.trials, SizeIs(1));
  EXPECT_THAT(told.no_ceilings, IsEmpty());
  ASSERT_THAT(told.ceilings, SizeIs(1));
  EXPECT_GT(told.ceilings.front(), 0);
}

TEST(RunSweep, GoesOnWithoutACeilingWhenTheFloorCannotBeStarted) {
  const Told told = sweep_with_floor(server_running({"/there/is/no/such/floor", "{port}"}));
  ASSERT_THAT(told.trials, SizeIs(1));
  EXPECT_TRUE(told.trials.front().has_figures()) << told.trials.front().outcome.sentence;
  EXPECT_THAT(told.ceilings, IsEmpty());
  ASSERT_THAT(told.no_ceilings, SizeIs(1));
  EXPECT_THAT(told.no_ceilings.front(), HasSubstr("/there/is/no/such/floor"));
}

TEST(RunSweep, KeepsNoCeilingOfAFloorThatFails) {
  const Told told = sweep_with_floor(server_running({"/bin/false", "{port}"}));
  EXPECT_THAT(told.trials, SizeIs(1));
  EXPECT_THAT(told.ceilings, IsEmpty());
  EXPECT_THAT(told.no_ceilings, SizeIs(1));
}

// Its limit of connections is no explanation where it turns the first one away.
TEST(RunSweep, TakesNoEarlyRefusalForAServersLimit) {
  SweepServer server;
  server.command = odd("refuse");
  server.max_connections = 1024;
  std::vector<Trial> trials;
  SweepObserver observer;
  observer.after = [&](const Trial& trial) { trials.push_back(trial); };
  run_sweep(short_plan(), {server}, std::nullopt, {}, observer, {});
  ASSERT_THAT(trials, SizeIs(1));
  EXPECT_EQ(trials.front().outcome.kind, OutcomeKind::failed);
  EXPECT_THAT(trials.front().outcome.sentence, HasSubstr("turned away after 0 connections"));
}

// As a build does it: another file in the place of the program, or of the script.
TEST(RunSweep, NoticesAProgramThatIsReplaced) {
  const TemporaryDirectory directory;
  const std::string script = (directory / "server.sh").string();
  const auto write_script = [&](std::string_view comment) {
    const std::string part = script + ".part";
    std::ofstream(part) << "exec " << ODD_SERVER << " $1 plain  # " << comment << '\n';
    std::filesystem::rename(part, script);
  };
  write_script("first");
  SweepPlan plan = short_plan();
  plan.repetitions = 2;
  std::vector<Trial> trials;
  SweepObserver observer;
  observer.after = [&](const Trial& trial) {
    trials.push_back(trial);
    write_script("second");
  };
  run_sweep(plan, {server_running({"/bin/sh", script, "{port}"})}, std::nullopt, {}, observer, {});
  ASSERT_THAT(trials, SizeIs(2));
  EXPECT_THAT(codes(trials[0].judgement), Not(Contains("program_replaced")));
  EXPECT_THAT(codes(trials[1].judgement), Contains("program_replaced"));
}

TEST(RunSweep, KeepsNoCeilingThatAnInterruptionCutShort) {
  std::stop_source stop;
  stop.request_stop();
  const SweepPlan plan = short_plan();
  const SweepContext context{plan, plan_cpus(false, false), std::nullopt, stop.get_token()};
  EXPECT_EQ(measure_client_ceiling(well_behaved(), context), std::nullopt);
}

}  // namespace
}  // namespace echomux
