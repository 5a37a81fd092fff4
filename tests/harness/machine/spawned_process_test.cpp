#include "harness/machine/spawned_process.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "harness/machine/cpu.hpp"
#include "harness/server/process_meter.hpp"
#include "tests/support/process_info.hpp"
#include "tests/support/sanitizers.hpp"
#include "tests/support/temporary_directory.hpp"

namespace echomux {
namespace {

using std::chrono::milliseconds;

Captured shell(const std::string& script, SpawnOptions options = {}) {
  options.arguments = {"sh", "-c", script};
  return run_and_capture(std::move(options), STDOUT_FILENO, patience);
}

TEST(SpawnedProcess, RunsAsItIsAskedTo) {
  const TemporaryDirectory directory;
  const int cpu = usable_cpus().back();
  SpawnOptions options;
  options.directory = directory.path();
  options.cpus = {cpu};
  options.open_files = 64;
  const Captured ran = shell(
      "pwd; grep Cpus_allowed_list /proc/self/status | tr -d '[:space:]'; echo; ulimit -n; "
      "cat; exit 3",
      options);
  EXPECT_EQ(ran.end.exit_status, 3);
  EXPECT_EQ(ran.text,
            directory.path().string() + "\nCpus_allowed_list:" + std::to_string(cpu) + "\n64\n");
}

// As many programs expect, the limit may be raised again.
TEST(SpawnedProcess, MayRaiseASoftLimit) {
  SpawnOptions options;
  options.soft_open_files = 64;
  EXPECT_EQ(shell("ulimit -Sn; ulimit -Sn 65; ulimit -Sn", options).text, "64\n65\n");
}

TEST(SpawnedProcess, HasNoSignalBlockedOrIgnored) {
  sigset_t blocked;
  sigset_t before;
  ::sigfillset(&blocked);
  ::pthread_sigmask(SIG_SETMASK, &blocked, &before);
  const auto handler = ::signal(SIGPIPE, SIG_IGN);
  const Captured ran = shell("grep SigBlk /proc/self/status; kill -PIPE $$");
  ::signal(SIGPIPE, handler);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  EXPECT_EQ(ran.text, "SigBlk:\t0000000000000000\n");
  EXPECT_EQ(ran.end.exit_status, std::nullopt);
  EXPECT_EQ(ran.end.signal, SIGPIPE);
}

TEST(SpawnedProcess, TellsThatThereIsNoSuchProgram) {
  SpawnedProcess none({.arguments = {"/nowhere/program"}});
  EXPECT_EQ(none.exec_error(), ENOENT);
  EXPECT_TRUE(none.wait_for_end(patience));
  EXPECT_EQ(none.end().exit_status, 127);
}

TEST(SpawnedProcess, IsKilledWithItsGroupWhenItTakesTooLong) {
  const auto begin = std::chrono::steady_clock::now();
  const Captured ran =
      run_and_capture({.arguments = {"sh", "-c", "echo begun; sleep 86 & sleep 87"}}, STDOUT_FILENO,
                      milliseconds(300), 3);
  EXPECT_TRUE(ran.too_long);
  EXPECT_EQ(ran.end.signal, SIGKILL);
  EXPECT_EQ(ran.text, "beg");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, patience);
}

TEST(SpawnedProcess, KnowsWhatItUsed) {
  SpawnedProcess busy({.arguments = {"sh", "-c", "while :; do :; done"}});
  EXPECT_FALSE(busy.wait_for_end(milliseconds(100)));
  EXPECT_TRUE(busy.running());
  busy.ask_to_stop();
  EXPECT_TRUE(busy.wait_for_end(patience));
  EXPECT_GT(busy.end().cpu_time, milliseconds(1));
  EXPECT_FALSE(busy.running());
}

// A daemon leaves its session, its group and its parent.
constexpr const char* daemon = "setsid sh -c 'sleep 97 & exec sleep 98' & exit 5";

TEST(GuardedProcess, RunsAsLongAsAnythingThatItHasStarted) {
  SpawnedProcess shell({.arguments = {"sh", "-c", "sleep 2 & exit 7"}, .guarded = true});
  EXPECT_NE(shell.guardian(), std::nullopt);
  while (!shell.program_end()) EXPECT_FALSE(shell.wait_for_end(milliseconds(1)));
  EXPECT_EQ(shell.program_end()->exit_status, 7);
  EXPECT_TRUE(shell.running());
  EXPECT_TRUE(shell.wait_for_end(patience));
  EXPECT_EQ(shell.end().exit_status, 7);
}

TEST(GuardedProcess, StopsWithAllThatItHasStarted) {
  for (const bool asked : {true, false}) {
    SpawnedProcess shell({.arguments = {"sh", "-c", daemon}, .guarded = true});
    const pid_t guardian = shell.guardian().value();
    while (!shell.program_end()) EXPECT_FALSE(shell.wait_for_end(milliseconds(1)));
    EXPECT_TRUE(
        eventually(patience, [&] { return process_tree(guardian, Root::guardian).size() == 2; }));
    const std::vector<pid_t> left = process_tree(guardian, Root::guardian);
    EXPECT_GT(read_process_tree(guardian, Detail::cpu_only, Root::guardian)->processes, 0U);
    if (asked) {
      shell.ask_to_stop();
      EXPECT_TRUE(shell.wait_for_end(patience));
    }
    EXPECT_EQ(shell.end().exit_status, 5);
    EXPECT_FALSE(shell.end().left_some);
    for (const pid_t process : left) EXPECT_NE(::kill(process, 0), 0);
  }
}

TEST(GuardedProcess, TellsThatThereIsNoSuchProgram) {
  SpawnedProcess none({.arguments = {"/nowhere/program"}, .guarded = true});
  EXPECT_EQ(none.exec_error(), ENOENT);
  EXPECT_EQ(none.end().exit_status, 127);
}

}  // namespace
}  // namespace echomux
