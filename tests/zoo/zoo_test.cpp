// Servers as students and programmers write them, each through swarm and bench: either its figures
// are right, or what is said of it is true.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "harness/machine/proc_file.hpp"
#include "harness/results/results_file.hpp"
#include "tests/support/background_bench.hpp"
#include "tests/support/process_info.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary_directory.hpp"

namespace echomux {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

namespace fs = std::filesystem;

struct Animal {
  std::string name = {};
  std::string source = {};  // below tests/zoo; without one it is a command
  std::string how = {};     // what the compiler is told, or the command
  bool measured = true;     // it has figures, with CPU time
  std::string reason = {};  // a code that its judgement must have, in bench
  std::string words = {};   // what must be said of it, in bench
  std::string arguments = "{port}";
  std::string idle = "0,20";
  std::string active = "10";
  bool in_swarm = true;  // swarm comes to the same
};

// googletest prints it.
void PrintTo(const Animal& animal, std::ostream* out) {
  *out << animal.name;
}

// All processes whose command line has this word.
std::vector<pid_t> processes_with(const std::string& word) {
  std::vector<pid_t> found;
  for (const int pid : proc::numbers_in("/proc")) {
    const auto line = proc::read_file("/proc/" + std::to_string(pid) + "/cmdline");
    if (pid != ::getpid() && line && line->find(word) != std::string::npos) found.push_back(pid);
  }
  return found;
}

bool installed(const std::string& program) {
  return run_and_capture({.arguments = {"sh", "-c", "command -v " + program}}, STDOUT_FILENO,
                         patience)
             .end.exit_status == 0;
}

class Zoo : public ::testing::TestWithParam<Animal> {
 protected:
  // How it is started; empty when what it needs isn't installed. Its command line has the
  // directory's name in it.
  std::string command(const Animal& animal) {
    if (animal.name == "ipv6_only" && !std::filesystem::exists("/proc/net/if_inet6")) {
      lacking_ = "there is no IPv6";
      return "";
    }
    const std::string source = std::string(ZOO) + "/" + animal.source;
    const fs::path own = directory_ / fs::path(animal.source).filename();
    if (!animal.source.empty()) fs::copy_file(source, own);
    if (animal.source.ends_with(".c")) {
      return build("cc",
                   "cc -w -O1 -pthread " + animal.how + " -o " + program() + " " + own.string());
    }
    if (animal.source.ends_with(".go")) {
      return build("go", "GOCACHE=" + (directory_ / "cache").string() + " go build -o " +
                             program() + " " + own.string());
    }
    if (animal.source.ends_with(".py")) return run("/usr/bin/python3", own.string());
    if (animal.source.ends_with(".js")) return run("node", own.string());
    if (animal.source.ends_with(".java")) return run("java", own.string());
    return run(animal.how.substr(0, animal.how.find(' ')),
               animal.how.substr(animal.how.find(' ') + 1));
  }

  [[nodiscard]] std::string program() const { return (directory_ / "animal").string(); }

  Finished bench(const std::string& server) {
    return run_program({"bench",
                        "--backends",
                        "none",
                        "--server",
                        "animal=" + server,
                        "--idle",
                        GetParam().idle,
                        "--active",
                        GetParam().active,
                        "--rate",
                        "500",
                        "--repetitions",
                        "1",
                        "--duration",
                        "100ms",
                        "--warmup",
                        "0",
                        "--timeout",
                        "2s",
                        "--start-timeout",
                        "60s",
                        "--no-pin",
                        "--let-sleep",
                        "--no-report",
                        "-o",
                        results().string()});
  }

  [[nodiscard]] fs::path results() const { return directory_ / "results.json"; }

  TemporaryDirectory directory_;
  std::string lacking_;

 private:
  std::string build(const std::string& compiler, const std::string& line) {
    if (!installed(compiler)) return lack(compiler);
    const Captured built =
        run_and_capture({.arguments = {"sh", "-c", line}}, STDERR_FILENO, std::chrono::minutes(4));
    EXPECT_EQ(built.end.exit_status, 0) << built.text;
    return program() + " " + GetParam().arguments;
  }
  std::string run(const std::string& interpreter, const std::string& rest) {
    if (!installed(interpreter)) return lack(interpreter);
    const bool whole = GetParam().source.empty();
    return interpreter + " " + rest + (whole ? "" : " " + GetParam().arguments);
  }
  std::string lack(const std::string& what) {
    // Go is much to install for one server.
    lacking_ = (what == "go" ? "there is no " : "not installed: ") + what;
    return "";
  }
};

TEST_P(Zoo, IsMeasuredOrToldAbout) {
  const std::string server = command(GetParam());
  if (!lacking_.empty()) GTEST_SKIP() << lacking_;
  const Finished run = bench(server);
  SCOPED_TRACE(run.out + run.err);
  ASSERT_TRUE(run.status == 0 || run.status == 1);
  const Results measured = read_results(results());
  EXPECT_FALSE(measured.trials.empty());
  std::string all_codes;
  for (const Trial& trial : measured.trials) {
    EXPECT_EQ(trial.has_figures() && trial.outcome.kind == OutcomeKind::measured,
              GetParam().measured);
    if (GetParam().measured) {
      ASSERT_TRUE(trial.cost.has_value());
      EXPECT_GT(trial.cost->cpu_us_per_request, 1);
    }
    std::string codes = trial.outcome.sentence;
    for (const Reason& reason : trial.judgement.reasons) {
      codes += fmt::format(" [{}] {}", reason.code, reason.sentence);
    }
    all_codes += codes;
  }
  // In one of the rows at least: on a busy machine a server may end too late to be seen.
  if (!GetParam().reason.empty()) {
    EXPECT_THAT(all_codes, HasSubstr("[" + GetParam().reason + "]"));
  }
  EXPECT_THAT(all_codes, HasSubstr(GetParam().words));
  EXPECT_EQ(run.status, GetParam().measured ? 0 : 1);
  EXPECT_THAT(processes_with(directory_.path().string()), IsEmpty());
}

TEST_P(Zoo, AndBySwarm) {
  if (!GetParam().in_swarm) GTEST_SKIP() << "for bench alone";
  const std::string line = command(GetParam());
  if (!lacking_.empty()) GTEST_SKIP() << lacking_;
  std::vector<std::string> words;
  std::istringstream stream(line);
  for (std::string word; stream >> word;) words.push_back(word);
  const ServerProcess server({.arguments = words}, patience);
  const Finished run =
      run_program({"swarm", server.endpoint().to_string(), "-c", GetParam().active, "-R", "500",
                   "-d", "100ms", "--warmup", "0", "--timeout", "2s"});
  SCOPED_TRACE(run.out + run.err);
  EXPECT_EQ(run.status, GetParam().measured ? 0 : 1);
  EXPECT_THAT(run.out, HasSubstr(GetParam().words));
  if (GetParam().reason == "alters_bytes") {
    EXPECT_THAT(run.out, HasSubstr("alters_bytes"));
  }
}

std::vector<Animal> animals() {
  const auto c = [](std::string name, std::string how) {
    return Animal{.name = std::move(name), .source = "threads.c", .how = std::move(how)};
  };
  std::vector<Animal> all{
      c("threads", ""),
      c("ten_bytes", "-DBUFFER=10"),
      c("no_send_loop", "-DNO_LOOP"),
      c("prints_each_message", "-DPRINTS"),
      c("waits_for_enter", "-DWAITS_FOR_ENTER"),
      c("starts_late", "-DSTARTS_LATE"),
      c("daemonises", "-DDAEMON"),
      c("ignores_sigterm", "-DIGNORES_TERM"),
      c("dies_of_sigpipe", "-DDIES_OF_SIGPIPE"),
      c("leaves_a_child", "-DLEAVES_A_CHILD"),
      c("localhost_alone", "-DADDRESS=INADDR_LOOPBACK"),
  };
  const auto add = [&all](Animal animal) { all.push_back(std::move(animal)); };
  const auto wrong = [&](std::string name, std::string how, std::string words) {
    Animal animal = c(std::move(name), std::move(how));
    animal.measured = false;
    animal.words = std::move(words);
    add(std::move(animal));
  };
  wrong("banner", "-DBANNER", "Welcome");
  wrong("prompt", "-DPROMPT", "\"> ");
  wrong("upper_case", "-DUPPER", "a wrong byte came back");
  wrong("extra_newline", "-DEXTRA_NEWLINE", "\"\\n\"");
  for (const std::string backlog : {"1", "5"}) {
    Animal animal = c("backlog_" + backlog, "-DBACKLOG=" + backlog);
    animal.idle = "100";
    add(animal);
  }
  // None that the system gives to clients, and for one test alone.
  Animal fixed = c("fixed_port", "-DFIXED_PORT=20123");
  fixed.in_swarm = false;
  fixed.arguments = "";
  add(fixed);
  Animal strlen = c("strlen", "-DSTRLEN");
  strlen.reason = "alters_bytes";
  add(strlen);
  add({.name = "fork", .source = "fork.c"});
  add({.name = "leaves_its_session", .source = "fork.c", .how = "-DLEAVES_ITS_SESSION"});
  add({.name = "select_unchecked", .source = "select.c"});
  add({.name = "reads_commands", .source = "select.c", .how = "-DREADS_COMMANDS"});
  add({.name = "ends_on_reset",
       .source = "select.c",
       .how = "-DENDS_ON_RESET",
       .reason = "ended_on_reset",
       .words = "Connection reset by peer"});
  all.back().in_swarm = false;
  add({.name = "one_peer_at_a_time",
       .source = "one_peer.c",
       .measured = false,
       .words = "1 of 10"});
  all.back().idle = "0";
  all.back().in_swarm = false;
  add({.name = "one_peer_and_the_end",
       .source = "one_peer.c",
       .how = "-DONCE",
       .reason = "ended_on_reset",
       .idle = "0",
       .active = "1"});
  all.back().in_swarm = false;
  add({.name = "asyncio", .source = "asyncio_streams.py", .arguments = "{port} 0.0.0.0"});
  add({.name = "asyncio_localhost",
       .source = "asyncio_streams.py",
       .arguments = "{port} localhost"});
  add({.name = "socketserver_lines", .source = "socketserver_lines.py", .idle = "50"});
  add({.name = "decodes", .source = "decodes.py", .reason = "alters_bytes"});
  add({.name = "ipv6_only", .source = "ipv6_only.py"});
  add({.name = "full_with_us", .source = "few_slots.py", .reason = "not_probed", .idle = "10"});
  add({.name = "ends_when_it_starves",
       .source = "few_slots.py",
       .measured = false,
       .words = "starved: ",
       .arguments = "{port} ends",
       .idle = "15"});
  all.back().in_swarm = false;
  // It ends on a reset, too, but how soon is up to the machine.
  add({.name = "node_pipe", .source = "pipe.js"});
  all.back().in_swarm = false;
  add({.name = "node_lines", .source = "lines.js", .reason = "alters_bytes"});
  add({.name = "java_lines", .source = "Lines.java", .reason = "alters_bytes"});
  add({.name = "go", .source = "echo.go"});
  add({.name = "socat_cat", .how = "socat TCP-LISTEN:{port},fork,reuseaddr EXEC:cat"});
  add({.name = "socat_pipe", .how = "socat TCP-LISTEN:{port},fork,reuseaddr PIPE"});
  add({.name = "ncat_cat", .how = "ncat -l 127.0.0.1 {port} --keep-open --exec /bin/cat"});
  return all;
}

INSTANTIATE_TEST_SUITE_P(Animals, Zoo, ::testing::ValuesIn(animals()),
                         [](const auto& animal) { return animal.param.name; });

// A server that accepts no more says nothing of it; what it lacks is known all the same.
TEST(ZooKeeper, NamesTheLimitOfDescriptors) {
  const TemporaryDirectory directory;
  const Finished run = run_program({"bench",
                                    "--backends",
                                    "none",
                                    "--server",
                                    "plain=" + std::string(ODD_SERVER) + " {port} plain",
                                    "--descriptors",
                                    "20",
                                    "--idle",
                                    "30",
                                    "--repetitions",
                                    "1",
                                    "--duration",
                                    "60ms",
                                    "--timeout",
                                    "300ms",
                                    "--no-pin",
                                    "--let-sleep",
                                    "--no-report",
                                    "-o",
                                    (directory / "results.json").string()});
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.out, HasSubstr("it may open 20 descriptors: --descriptors 64 gives it more"));
}

// With bench killed, nobody is left to clean up but the guardian.
TEST(ZooKeeper, LeavesNothingBehindWhenItIsKilled) {
  if (!installed("cc")) GTEST_SKIP() << "not installed: cc";
  TemporaryDirectory directory;
  const std::string program = (directory / "animal").string();
  const Captured built =
      run_and_capture({.arguments = {"cc", "-w", "-pthread", "-DLEAVES_A_CHILD", "-DDAEMON", "-o",
                                     program, std::string(ZOO) + "/threads.c"}},
                      STDERR_FILENO, patience);
  ASSERT_EQ(built.end.exit_status, 0) << built.text;
  for (const int signal : {SIGHUP, SIGQUIT, SIGKILL}) {
    BackgroundBench bench(directory / fmt::format("results-{}.json", signal),
                          {"--backends", "none", "--server", "animal=" + program + " {port}",
                           "--idle", "0,1,2,3", "--repetitions", "3"});
    bench.await_trials(1);
    EXPECT_FALSE(processes_with(program).empty());
    bench.send_signal(signal);
    try {
      static_cast<void>(bench.finish());
    } catch (const std::runtime_error&) {
      // the signal has ended it
    }
    EXPECT_TRUE(eventually(patience, [&] { return processes_with(program).empty(); })) << signal;
  }
}

}  // namespace
}  // namespace echomux
