#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "harness/results_file.hpp"
#include "tests/support/process_info.hpp"
#include "tests/support/program.hpp"

namespace echomux {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// Runs `echomux bench` with short trials, and its results in a directory of the test's own.
class Bench : public ::testing::Test {
 protected:
  Bench() {
    std::string pattern = (std::filesystem::temp_directory_path() / "echomux-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
  }
  ~Bench() override { std::filesystem::remove_all(directory_); }

  [[nodiscard]] std::vector<std::string> arguments(std::vector<std::string> further) const {
    std::vector<std::string> all{"bench", "--duration",           "0.2", "--warmup", "0.05",
                                 "-o",    results_path().string()};
    all.insert(all.end(), further.begin(), further.end());
    return all;
  }
  [[nodiscard]] std::filesystem::path results_path() const { return directory_ / "results.json"; }

 private:
  std::filesystem::path directory_;
};

TEST_F(Bench, MeasuresEveryServerBesideEveryNumberOfIdleConnections) {
  const Finished run =
      run_program(arguments({"--backends", "floor,poll,epoll_et", "--idle", "0,50"}));
  ASSERT_EQ(run.status, 0) << run.err;
  EXPECT_THAT(run.out, AllOf(HasSubstr("0 idle connections"), HasSubstr("50 idle connections")));
  EXPECT_THAT(run.err, HasSubstr("[ 6/6]"));

  const Results results = read_results(results_path());
  ASSERT_EQ(results.trials.size(), 6U);
  for (const Trial& trial : results.trials) {
    SCOPED_TRACE(trial.server);
    EXPECT_EQ(trial.outcome, TrialOutcome::measured) << trial.note;
    EXPECT_GT(trial.latency_us.p50, 0);
    EXPECT_GT(trial.server_cpu_us_per_request, 0);
    EXPECT_EQ(trial.counters.empty(), trial.server == "floor");
    if (trial.server == "poll") {
      // Every wait examines all peers, the listener and the stop event.
      EXPECT_GT(trial.scanned_per_request(), 0);
      EXPECT_EQ(trial.counters.at("descriptors_scanned"),
                trial.counters.at("waits") * (trial.idle_connections + 10 + 2));
    }
  }
}

TEST_F(Bench, SaysThatBlockingStarvesAllButOnePeer) {
  const Finished run = run_program(arguments({"--backends", "blocking", "--idle", "0,1"}));
  EXPECT_EQ(run.status, 0);  // a result about the server, not a failed run
  EXPECT_THAT(run.out,
              AllOf(HasSubstr("starved: 1 of 10 served"), HasSubstr("starved: 0 of 10 served")));
}

TEST_F(Bench, SaysWhereSelectsLimitIs) {
  const Finished run = run_program(arguments({"--backends", "select", "--idle", "2k"}));
  EXPECT_EQ(run.status, 0);
  EXPECT_THAT(run.out, HasSubstr("limit 1024"));
}

TEST_F(Bench, SaysWhatTheMachineCannotDo) {
  const Finished run = run_program(arguments({"--backends", "poll", "--idle", "50m"}));
  EXPECT_EQ(run.status, 0);
  EXPECT_THAT(run.out, AllOf(HasSubstr("not possible: needs 50000034 descriptors"),
                             HasSubstr("ulimit -Hn")));
}

TEST_F(Bench, RefusesWhatItDoesNotUnderstand) {
  const Finished server = run_program(arguments({"--backends", "epol"}));
  EXPECT_EQ(server.status, 2);
  EXPECT_THAT(server.err, AllOf(HasSubstr("'epol'"), HasSubstr("epoll_lt")));
  const Finished idle = run_program(arguments({"--idle", "10q"}));
  EXPECT_EQ(idle.status, 2);
  EXPECT_THAT(idle.err, HasSubstr("'10q' is not a number"));
  EXPECT_EQ(run_program(arguments({"--duration", "-1"})).status, 2);
  EXPECT_EQ(run_program({"show", "/dev/null"}).status, 1);
}

TEST_F(Bench, SaysBeforeMeasuringThatItCannotWrite) {
  const Finished run = run_program({"bench", "-o", "/proc/nowhere/results.json"});
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.err, HasSubstr("cannot write the results to /proc/nowhere"));
}

TEST_F(Bench, LosesNothingWhenInterrupted) {
  const Pipe out = make_pipe();
  Pipe err = make_pipe();
  Program bench(arguments({"--backends", "epoll_lt", "--idle", "0,1,2,3,4,5,6,7,8,9"}),
                {.in = -1, .out = -1, .err = err.write_end.get()});
  err.write_end.reset();
  // The line ends when the trial is done.
  while (read_line(err.read_end.get()).find("[ 2/10]") == std::string::npos) {
  }
  bench.send_signal(SIGINT);
  EXPECT_EQ(bench.wait(), 130);
  const Results results = read_results(results_path());
  ASSERT_GE(results.trials.size(), 2U);
  EXPECT_EQ(results.trials.at(0).outcome, TrialOutcome::measured);
  EXPECT_LT(results.trials.size(), 10U);
}

TEST_F(Bench, ShowsAResultsFileAgain) {
  const Finished run = run_program(arguments({"--backends", "epoll_lt", "--idle", "0"}));
  ASSERT_EQ(run.status, 0);
  EXPECT_EQ(run_program({"show", results_path().string()}).out, run.out);
  EXPECT_THAT(run_program({"show", results_path().string(), "--format", "markdown"}).out,
              HasSubstr("| epoll_lt |"));
}

}  // namespace
}  // namespace echomux
