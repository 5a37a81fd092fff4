// What goes wrong in mid-sweep, with a server or with the wall clock, costs no other trial
// anything.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <optional>

#include "harness/results/results_file.hpp"
#include "harness/server/server_process.hpp"
#include "harness/text/json.hpp"
#include "tests/support/background_bench.hpp"
#include "tests/support/busy_machine.hpp"
#include "tests/support/temporary_directory.hpp"

namespace echomux {
namespace {

using ::testing::Contains;
using ::testing::Field;
using ::testing::SizeIs;

// --- servers ---

// What a server does at its second start, and what is to be said of that trial.
struct Fault {
  const char* name;
  std::string script;  // after which the well-behaved server is started, where it gets so far
  OutcomeKind outcome;
  const char* code;
  int status;
  bool fresh = false;
};

std::string odd_line(const std::string& mode) {
  return std::string("exec ") + ODD_SERVER + " $1 " + mode;
}

std::ostream& operator<<(std::ostream& out, const Fault& fault) {
  return out << fault.name;
}

class ServerFaultInMidSweep : public ::testing::TestWithParam<Fault> {};

TEST_P(ServerFaultInMidSweep, SpoilsOneTrialAndNoOther) {
  const Fault& fault = GetParam();
  const TemporaryDirectory directory;
  const std::string script = (directory / "server.sh").string();
  std::ofstream(script) << "echo started >> " << script << ".starts\n"
                        << "if [ $(wc -l < " << script << ".starts) = 2 ]; then\n"
                        << fault.script << "\nfi\n"
                        << odd_line("plain") << "\n";
  std::vector<std::string> arguments{
      "--backends", "epoll_lt", "--server",      "changing=sh " + script + " {port}",
      "--idle",     "5",        "--repetitions", "3",
      "--timeout",  "1s"};
  // In slices it would be started again, to stand beside the floor alone.
  if (fault.fresh) arguments.emplace_back("--fresh");
  BackgroundBench bench(directory / "results.json", arguments);
  const Finished run = bench.finish();
  EXPECT_EQ(run.status, fault.status) << run.err;
  const Results results = read_results(directory / "results.json");
  ASSERT_THAT(results.trials, SizeIs(6));
  EXPECT_THAT(results.system_calls, SizeIs(2));
  for (const Trial& trial : results.trials) {
    SCOPED_TRACE(trial.cell.server + " " + std::to_string(trial.repetition));
    // Each repetition has each server once, so its second start is its second repetition.
    if (trial.cell.server == "changing" && trial.repetition == 2) {
      EXPECT_EQ(trial.outcome.kind, fault.outcome) << trial.outcome.sentence;
      if (fault.outcome != OutcomeKind::measured) {
        EXPECT_EQ(trial.judgement.verdict,
                  fault.outcome == OutcomeKind::starved ? Verdict::starved : Verdict::invalid);
      }
      if (fault.code == std::string("saturated") && trial.cost) {
        // A server that waits for its CPU may not be able to show that it needs all of it.
        const std::string busy = not_measurable(trial.cost->run_queue_share.value_or(0));
        if (!busy.empty()) GTEST_SKIP() << busy;
      }
      EXPECT_THAT(trial.judgement.reasons, Contains(Field(&Reason::code, fault.code)));
    } else {
      EXPECT_EQ(trial.outcome.kind, OutcomeKind::measured) << trial.outcome.sentence;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Faults, ServerFaultInMidSweep,
    ::testing::Values(
        Fault{"DoesNotStart", "exit 3", OutcomeKind::failed, "failed", 1, true},
        Fault{"Dies", odd_line("die=20"), OutcomeKind::failed, "server_gone", 1},
        Fault{"Refuses", odd_line("refuse"), OutcomeKind::failed, "refused", 1},
        Fault{"Resets", odd_line("reset=3"), OutcomeKind::failed, "server_gone", 1},
        Fault{"Corrupts", odd_line("corrupt=200"), OutcomeKind::failed, "corrupt", 1},
        Fault{"LeavesAByteOut", odd_line("short=200"), OutcomeKind::failed, "corrupt", 1},
        // The last byte of a message: no later one stands in its place.
        Fault{"EndsShort", odd_line("short=321"), OutcomeKind::failed, "short_echo", 1},
        Fault{"DropsIdle", odd_line("drop-idle=20"), OutcomeKind::failed, "idle_lost", 1},
        Fault{"KeepsSilent", odd_line("silent"), OutcomeKind::starved, "starved", 0},
        Fault{"Hangs", odd_line("hang"), OutcomeKind::starved, "starved", 0},
        Fault{"SlowsDown", odd_line("burn=5ms"), OutcomeKind::measured, "saturated", 0}),
    [](const auto& fault) { return fault.param.name; });

TEST(ServerFault, OneThatIsStoppedEndsWhenItIsAskedTo) {
  ServerProcess server({.arguments = {ODD_SERVER, "{port}", "plain"}});
  ASSERT_EQ(::kill(server.pid(), SIGSTOP), 0);
  const ServerExit end = server.stop();
  EXPECT_FALSE(end.killed_after_timeout);
  EXPECT_EQ(end.signal, SIGTERM);
}

// --- the wall clock ---

std::optional<std::string> faketime_library() {
  for (const auto& entry : std::filesystem::directory_iterator("/usr/lib")) {
    const auto library = entry.path() / "faketime" / "libfaketimeMT.so.1";
    if (std::filesystem::exists(library)) return library.string();
  }
  return std::nullopt;
}

// An environment variable for what is started while this lives.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    ::setenv(name, value.c_str(), 1);
  }
  ~Variable() { ::unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

// No figure of a trial is negative, infinite or as large as the least step, in microseconds.
void check_numbers(const Json& json, const std::string& path) {
  if (json.is_number()) {
    const auto value = json.get<double>();
    const bool has_sign = path.ends_with("relative_change");
    EXPECT_TRUE(std::isfinite(value) && (value >= 0 || has_sign) && std::abs(value) < 3600e6)
        << path << ": " << value;
  }
  if (json.is_array()) {
    for (const Json& inner : json) check_numbers(inner, path);
  }
  if (json.is_object()) {
    for (const auto& [name, inner] : json.items()) {
      check_numbers(inner, std::string(path).append("/").append(name));
    }
  }
}

TEST(WallClockInMidSweep, ChangesNoFigure) {
  if (under_sanitizer) GTEST_SKIP() << "a sanitizer's library would have to be preloaded first";
  const auto library = faketime_library();
  if (!library) GTEST_SKIP() << "not installed: libfaketime";
  const TemporaryDirectory directory;
  // A server that steps the clock at each of its starts, which are between two measurements (the
  // library steps clocks of CPU time, too), and keeps the time, to see that the steps were taken.
  const std::string clock = (directory / "clock").string();
  const std::string script = (directory / "server.sh").string();
  std::ofstream(clock) << "+3650d\n";
  std::ofstream(clock + ".steps") << "+3660d\n+3640d\n-5h\n+7h\n+3650d\n";
  std::ofstream(script) << "sed 1q " << clock << ".steps > " << clock << ".new\n"
                        << "sed -i 1d " << clock << ".steps\n"
                        << "mv " << clock << ".new " << clock << "\n"
                        << "date +%s >> " << clock << ".times\n"
                        << odd_line("plain") << '\n';
  const std::string path = (directory / "results.json").string();
  std::optional<BackgroundBench> bench;
  {
    const Variable preload("LD_PRELOAD", *library);
    const Variable file("FAKETIME_TIMESTAMP_FILE", clock);
    const Variable no_cache("FAKETIME_NO_CACHE", "1");
    const Variable wall_clock_alone("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    bench.emplace(path, std::vector<std::string>{"--backends", "epoll_lt,threaded", "--server",
                                                 "dated=sh " + script + " {port}", "--idle", "5",
                                                 "--repetitions", "4"});
  }
  const Finished run = bench->finish();
  EXPECT_EQ(run.status, 0) << run.err;

  std::vector<std::int64_t> times;
  std::ifstream starts(clock + ".times");
  for (std::int64_t time = 0; starts >> time;) times.push_back(time);
  ASSERT_GE(times.size(), 4U);
  for (std::size_t i = 1; i < times.size(); ++i) {
    EXPECT_GT(std::abs(times[i] - times[i - 1]), 3600) << "no step was seen";
  }
  const Results results = read_results(path);
  EXPECT_GT(results.context.started, "2030");
  ASSERT_THAT(results.trials, SizeIs(12));
  std::size_t with_figures = 0;
  for (const Trial& trial : results.trials) {
    EXPECT_EQ(trial.outcome.kind, OutcomeKind::measured) << trial.outcome.sentence;
    // On a busy machine no request may come into a window so short.
    if (!trial.has_figures()) continue;
    EXPECT_GT(trial.cost->cpu_us_per_request, 0);
    ++with_figures;
  }
  EXPECT_GT(with_figures, 0U);
  check_numbers(Json::parse(file_text(path)).at("trials"), "");
  EXPECT_EQ(run_program({"show", path}).out, run.out);
}

}  // namespace
}  // namespace echomux
