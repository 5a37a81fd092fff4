#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "echo/system_call.hpp"
#include "harness/results/results_file.hpp"
#include "harness/text/json.hpp"
#include "tests/support/busy_machine.hpp"
#include "tests/support/process_info.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary_directory.hpp"

namespace echomux {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

// Runs `echomux bench` with short trials, and its results in a directory of the test's own.
class Bench : public ::testing::Test {
 protected:
  [[nodiscard]] std::vector<std::string> arguments(std::vector<std::string> further) const {
    std::vector<std::string> all{"bench",         "--force", "--duration", "0.2",
                                 "--warmup",      "0.05",    "-o",         results_path().string(),
                                 "--repetitions", "1"};
    all.insert(all.end(), further.begin(), further.end());
    return all;
  }
  [[nodiscard]] std::filesystem::path results_path() const { return directory_ / "results.json"; }

 private:
  TemporaryDirectory directory_;
};

TEST_F(Bench, TakesWhatDescribesASwarmsLoad) {
  const Finished run = run_program(
      arguments({"--backends", "epoll_lt", "--idle", "0", "--pipeline", "4", "--arrivals",
                 "poisson", "--threads", "2", "--connect-rate", "5k", "--source-ip", "127.0.0.2"}));
  ASSERT_EQ(run.status, 0) << run.err;
  EXPECT_THAT(run.out, AllOf(HasSubstr("poisson arrivals"),
                             HasSubstr("4 messages outstanding per connection")));
  const Load load = read_results(results_path()).context.plan.load;
  EXPECT_EQ(load.pipeline, 4U);
  EXPECT_EQ(load.arrivals, Arrivals::poisson);
  EXPECT_EQ(load.threads, 2U);
  EXPECT_EQ(load.connections_per_second, 5000);
  ASSERT_EQ(load.sources.size(), 1U);
  EXPECT_EQ(load.sources.front().to_string(), "127.0.0.2:0");
}

TEST_F(Bench, MeasuresEveryServerBesideEveryNumberOfIdleConnections) {
  const Finished run =
      run_program(arguments({"--backends", "floor,poll,epoll_et", "--idle", "0,50"}));
  ASSERT_EQ(run.status, 0) << run.err;
  EXPECT_THAT(run.out, AllOf(HasSubstr("0 idle connections"), HasSubstr("50 idle connections")));
  EXPECT_THAT(run.err, HasSubstr("[6/6]"));

  const Results results = read_results(results_path());
  ASSERT_EQ(results.trials.size(), 6U);
  for (const Trial& trial : results.trials) {
    SCOPED_TRACE(trial.cell.server);
    EXPECT_EQ(trial.outcome.kind, OutcomeKind::measured) << trial.outcome.sentence;
    ASSERT_TRUE(trial.has_figures());
    EXPECT_GT(trial.load->latency_us.p50, 0);
    EXPECT_GT(trial.cost->cpu_us_per_request, 0);
    EXPECT_EQ(trial.cost->counters.empty(), trial.cell.server == "floor");
    if (trial.cell.server == "poll") {
      // Every wait examines all peers, the listener and the stop event.
      EXPECT_GT(trial.cost->scanned_per_request(), 0);
      EXPECT_EQ(trial.cost->counters.at("descriptors_scanned"),
                trial.cost->counters.at("waits") * (trial.cell.idle_connections + 10 + 2));
    }
  }
}

// Results about the servers and the machine, not failed runs.
TEST_F(Bench, TakesGroupsOfServersAndEachServerOnce) {
  const Finished run =
      run_program(arguments({"--backends", "coroutines,beyond,epoll_lt", "--idle", "0"}));
  ASSERT_EQ(run.status, 0) << run.err;
  std::vector<std::string> names;
  for (const ServerSpec& spec : read_results(results_path()).context.plan.servers) {
    names.push_back(spec.name);
  }
  EXPECT_THAT(names, ElementsAre("coroutines", StartsWith("reactor_workers:"),
                                 StartsWith("reuseport:"), "epoll_lt"));
}

TEST_F(Bench, TellsWhatEachWorkerDid) {
  const Finished run = run_program(
      arguments({"--backends", "reuseport,reactor_workers:3", "--workers", "1,2", "--idle", "0"}));
  ASSERT_EQ(run.status, 0) << run.err;
  std::vector<std::string> names;
  for (const Trial& trial : read_results(results_path()).trials) {
    names.push_back(trial.cell.server);
    SCOPED_TRACE(names.back());
    ASSERT_TRUE(trial.cost);
    const std::vector<WorkerCost>& workers = trial.cost->workers;
    ASSERT_EQ(std::to_string(workers.size()), names.back().substr(names.back().find(':') + 1));
    double shares = 0;
    std::uint64_t connections = 0;
    for (const WorkerCost& worker : workers) {
      shares += worker.requests_share;
      connections += worker.connections.value_or(0);
    }
    EXPECT_NEAR(shares, 1, 1e-9);
    EXPECT_EQ(connections, names.back().starts_with("reuseport") ? trial.active_connections : 0U);
    EXPECT_GE(trial.cost->worker_imbalance, 1);
    EXPECT_LE(trial.cost->worker_imbalance, double(workers.size()));
  }
  EXPECT_THAT(names, UnorderedElementsAre("reuseport:1", "reuseport:2", "reactor_workers:3"));
  const Finished ledger = run_program({"show", "--ledger", results_path().string()});
  EXPECT_THAT(ledger.out, AllOf(HasSubstr("imbalance"), HasSubstr("Workers, each in the first")));
}

TEST_F(Bench, SaysWhatCannotBeMeasured) {
  struct Case {
    const char* server;
    const char* idle;
    std::vector<std::string> said;
  };
  for (const Case& limit :
       {Case{"blocking", "0,1", {"starved: 1 of 10 served", "starved: 0 of 10 served"}},
        Case{"select", "2k", {"limit 1024"}},
        Case{"poll", "50m", {"not possible: needs 50000034 descriptors", "ulimit -Hn"}}}) {
    const Finished run = run_program(arguments({"--backends", limit.server, "--idle", limit.idle}));
    EXPECT_EQ(run.status, 0) << limit.server;
    for (const std::string& words : limit.said) EXPECT_THAT(run.out, HasSubstr(words));
  }
}

TEST_F(Bench, RefinesItsAnswerInItsPlaceAtATerminal) {
  const std::vector<std::string> options =
      arguments({"--backends", "poll,epoll_lt", "--idle", "0,10", "--no-report"});
  const Finished piped = run_program(options);
  ASSERT_EQ(piped.status, 0) << piped.err;
  EXPECT_THAT(piped.err, AllOf(HasSubstr("so far, after 2 of 4 trials"), Not(HasSubstr("\x1b"))));

  Terminal terminal = open_terminal();
  const Pipe out = make_pipe();
  Program program(options, {.out = out.write_end.get(), .err = terminal.terminal.get()});
  std::string text;
  // The first line names the file, and so does the last.
  while (text.find("raw results: ") == text.rfind("raw results: ")) {
    pollfd watched{.fd = terminal.keyboard.get(), .events = POLLIN, .revents = 0};
    ASSERT_EQ(::poll(&watched, 1, static_cast<int>(patience.count())), 1) << text;
    std::array<char, 4096> chunk{};
    const auto count = check(::read(watched.fd, chunk.data(), chunk.size()), "read the terminal");
    text.append(chunk.data(), static_cast<std::size_t>(count));
  }
  EXPECT_EQ(program.wait(), 0);
  // What stood there is gone before the table comes.
  const std::size_t said = text.find("so far, after 2 of 4 trials");
  ASSERT_NE(said, std::string::npos) << text;
  EXPECT_THAT(text.substr(said), ::testing::ContainsRegex("\x1b\\[[0-9]+A\x1b\\[J"));
}

TEST_F(Bench, SaysBeforeMeasuringThatItCannotWrite) {
  const Finished run = run_program({"bench", "-o", "/proc/nowhere/results.json"});
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.err, HasSubstr("cannot write the results to /proc/nowhere"));
}

TEST_F(Bench, GoesOnWithTheTrialsThatAreMissing) {
  ASSERT_EQ(run_program(arguments({"--backends", "poll", "--idle", "0,10", "--seed", "7"})).status,
            0);
  Results half = read_results(results_path());
  half.trials.resize(1);
  write_results(results_path(), half);
  const std::vector<std::string> resume{"bench", "--resume", results_path().string()};
  const Finished resumed = run_program(resume);
  ASSERT_EQ(resumed.status, 0) << resumed.err;
  EXPECT_THAT(resumed.err, AllOf(HasSubstr("[2/2]"), Not(HasSubstr("[1/2]"))));
  const Results whole = read_results(results_path());
  ASSERT_EQ(whole.trials.size(), 2U);
  EXPECT_EQ(whole.trials[0].load->latency_us.mean, half.trials[0].load->latency_us.mean);
  // With nothing left to do it measures nothing.
  EXPECT_EQ(run_program(resume).status, 0);
  EXPECT_EQ(results_json(read_results(results_path())), results_json(whole));
  EXPECT_EQ(run_program({"bench", "--resume", results_path().string(), "--idle", "5"}).status, 2);
  EXPECT_EQ(run_program({"bench", "--resume", "/dev/null"}).status, 1);
}

TEST_F(Bench, KeepsWhatItHasWhenTheDiskIsFull) {
  // No disk is filled: a limit on the size of files gives the same failure to write.
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit lowered{16'384, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &lowered);
  const Finished run = run_program(arguments({"--backends", "epoll_lt", "--idle", "0,1,2,3,4,5"}));
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.err, HasSubstr("cannot write the results"));
  // The table has all that was measured, the file what it could hold.
  EXPECT_THAT(run.out, HasSubstr("5 idle connections"));
  const Results kept = read_results(results_path());
  EXPECT_GE(kept.trials.size(), 1U);
  EXPECT_LT(kept.trials.size(), 6U);
  EXPECT_EQ(run_program({"bench", "--resume", results_path().string()}).status, 0);
  EXPECT_EQ(read_results(results_path()).trials.size(), 6U);
}

TEST_F(Bench, TakesAnyServerIn) {
  const std::string plain = std::string("mine=") + ODD_SERVER + " {port} plain";
  const std::string child = std::string("child=") + ODD_SERVER + " {port} burn-child=500us";
  const Finished run = run_program(
      arguments({"--backends", "none", "--server", plain, "--server", child, "--idle", "5"}));
  ASSERT_EQ(run.status, 0) << run.err;
  const Results results = read_results(results_path());
  ASSERT_EQ(results.trials.size(), 2U);
  for (const Trial& trial : results.trials) {
    ASSERT_TRUE(trial.has_figures()) << trial.outcome.sentence;
    EXPECT_TRUE(trial.cost->counters.empty());
    EXPECT_THAT(trial.cost->unavailable, ::testing::Contains(::testing::Key("counters")));
    if (trial.cell.server == "child") {
      EXPECT_EQ(trial.cost->processes, 2U);
      EXPECT_GT(trial.cost->cpu_us_per_request, 450);
    }
  }
}

// cmake/helpers.cmake lets nothing else run beside a test whose suite's name has RunsAlone in it.
class BenchRunsAlone : public Bench {};

// Three times as much work as there is time. It needs a CPU of its own to be busy.
TEST_F(BenchRunsAlone, CallsASaturatedServerWhatItIs) {
  const std::string server = std::string("odd=") + ODD_SERVER + " {port} burn=3ms";
  const Finished run =
      run_program(arguments({"--backends", "none", "--server", server, "--idle", "5", "--strict"}));
  const Trial trial = read_results(results_path()).trials.at(0);
  EXPECT_EQ(trial.outcome.kind, OutcomeKind::measured);
  const std::string reason = not_measurable(trial.load->run_queue_share);
  if (trial.judgement.verdict != Verdict::saturated && !reason.empty()) GTEST_SKIP() << reason;
  EXPECT_EQ(run.status, 0) << run.err;  // a result about the server, not a fault of the run
  EXPECT_EQ(trial.judgement.verdict, Verdict::saturated);
  EXPECT_LT(trial.load->achieved_rps, 500);
}

TEST_F(Bench, SaysWhenClientAndServerMayShareACpu) {
  const Finished run =
      run_program(arguments({"--backends", "epoll_lt", "--idle", "0", "--no-pin", "--strict"}));
  EXPECT_EQ(run.status, 3) << run.err;
  const Trial trial = read_results(results_path()).trials.at(0);
  EXPECT_THAT(trial.judgement.reasons,
              ::testing::Contains(::testing::Field(&Reason::code, "shared_cpu")));
}

TEST_F(Bench, MeasuresAlongTheRateToo) {
  const Finished run =
      run_program(arguments({"--backends", "epoll_lt", "--idle", "0", "--rate", "500,2k,0"}));
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_THAT(run.out, AllOf(HasSubstr("500 requests/s"), HasSubstr("2000 requests/s"),
                             HasSubstr("closed loop")));
}

// The schema says what is in a results file; an independent validator holds one against it.
TEST_F(Bench, WritesWhatItsSchemaSays) {
  const std::string python = "/usr/bin/python3";
  if (run_program({"-c", "import jsonschema"}, {}, python).status != 0) {
    GTEST_SKIP() << "not installed: python3-jsonschema";
  }
  const std::string odd = std::string("odd=") + ODD_SERVER + " {port} silent";
  const Finished run =
      run_program(arguments({"--backends", "floor,blocking,threaded,select,epoll_et", "--server",
                             odd, "--idle", "0,1k", "--timeout", "200ms"}));
  ASSERT_EQ(run.status, 1) << run.err;  // for the silent one has no figure at all
  const std::vector<std::string> validate{
      "-c",
      "import json, jsonschema, sys; "
      "jsonschema.Draft7Validator.check_schema(json.load(open(sys.argv[1]))); "
      "jsonschema.validate(json.load(open(sys.argv[2])), json.load(open(sys.argv[1])))",
      RESULTS_SCHEMA, results_path()};
  const Finished valid = run_program(validate, {}, python);
  EXPECT_EQ(valid.status, 0) << valid.err;
  // And it is not a schema that lets everything pass.
  Json broken = Json::parse(file_text(results_path()));
  broken["trials"][0]["verdict"] = "splendid";
  std::ofstream(results_path()) << broken;
  EXPECT_NE(run_program(validate, {}, python).status, 0);
}

TEST_F(Bench, ComparesTwoRuns) {
  ASSERT_EQ(run_program(arguments({"--backends", "epoll_lt", "--idle", "0"})).status, 0);
  const std::string path = results_path().string();
  const Finished text = run_program({"compare", path, path});
  EXPECT_EQ(text.status, 0);
  EXPECT_THAT(text.out, AllOf(HasSubstr("cpu_us_per_request"),
                              HasSubstr("too few repetitions to tell"), HasSubstr("don't differ")));
  const Finished json = run_program({"compare", path, path, "--format", "json"});
  EXPECT_EQ(Json::parse(json.out).at("cells").at(0).at("ratio"), 1.0);
  EXPECT_EQ(run_program({"compare", path, path, "--metric", "speed"}).status, 2);
  // The metric's name in files of schema_version 2.
  EXPECT_THAT(run_program({"compare", path, path, "--metric", "server_busy_share"}).out,
              HasSubstr("\nbusy_share\n"));
  EXPECT_EQ(run_program({"compare", path, "/dev/null"}).status, 1);
}

TEST_F(Bench, ShowsAResultsFileAgain) {
  const Finished run = run_program(arguments({"--backends", "epoll_lt", "--idle", "0"}));
  ASSERT_EQ(run.status, 0);
  EXPECT_EQ(run_program({"show", results_path().string()}).out, run.out);
  EXPECT_EQ(run_program({"show", "/dev/null"}).status, 1);
  EXPECT_THAT(run_program({"show", results_path().string(), "--format", "markdown"}).out,
              HasSubstr("| epoll_lt |"));
  EXPECT_THAT(run_program({"show", results_path().string(), "--format", "csv"}).out,
              HasSubstr("\nepoll_lt,0,1000,1,measured,"));
  EXPECT_THAT(run_program({"show", results_path().string(), "--ledger"}).out,
              AllOf(HasSubstr("switches/req"), HasSubstr("unavailable: ")));
}

}  // namespace
}  // namespace echomux
