// Every command in environments where something is lacking, refused or odd: it ends as it should,
// says the true cause where it can't do its work, and leaves nothing behind.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "echo/system_call.hpp"
#include "harness/machine/proc_file.hpp"
#include "harness/results/results_file.hpp"
#include "tests/support/process_info.hpp"
#include "tests/support/program.hpp"
#include "tests/support/traces.hpp"
#include "tests/support/trials.hpp"

namespace echomux {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// What a command comes to.
struct End {
  int status = 0;
  std::string words = {};  // that it must say, on stdout or stderr
};

struct Environment {
  std::string name;
  std::vector<std::string> how;          // the words of enter.cpp
  std::map<std::string, End> ends = {};  // of the commands that don't simply go well
  std::string idle = "50";               // of bench
  bool has_figures = true;               // every trial of bench, with CPU time
  bool for_sanitizers = true;            // whose own libraries need /proc and much address space
};

constexpr unsigned group_of_nobody = 65534;

// Lets the user without privileges write there, and nobody else.
void share_with_nobody(const std::filesystem::path& folder) {
  if (::geteuid() != 0) return;
  check(::chown(folder.c_str(), 0, group_of_nobody), "chown");
  std::filesystem::permissions(folder, std::filesystem::perms(0770));
}

void PrintTo(const Environment& environment, std::ostream* out) {
  *out << environment.name;
}

// A server, the load on it, and one line by a client, as a shell does it.
constexpr std::string_view served = R"sh(
  "$0" serve epoll_lt --port 0 > listening & server=$!
  for i in $(seq 1000); do grep -q listening listening && break; sleep 0.01; done
  at=$(sed -n 's/.* listening on //p' listening)
  "$0" swarm "$at" --idle 5 -c 2 -R 200 -d 50ms --warmup 0 --timeout 3s; status=$?
  [ "$(echo hello | "$0" client "$at")" = hello ] || status=$((status + 10))
  kill "$server" && wait "$server" || status=$((status + 20))
  exit $status)sh";

class EnvironmentTest : public ::testing::TestWithParam<Environment> {
 protected:
  // The command's end; its status is 77 where the environment can't be had.
  Finished run(const std::vector<std::string>& command, const std::string& program) {
    std::vector<std::string> words = GetParam().how;
    words.insert(words.end(), {"--", program});
    words.insert(words.end(), command.begin(), command.end());
    return run_program(words, {}, ENTER);
  }

  void expect(const std::string& name, const Finished& ran) {
    const auto found = GetParam().ends.find(name);
    const End end = found == GetParam().ends.end() ? End{} : found->second;
    EXPECT_EQ(ran.status, end.status) << name << ":\n" << ran.out << ran.err;
    EXPECT_THAT(ran.out + ran.err, HasSubstr(end.words)) << name;
  }

  TemporaryDirectory directory_;
};

TEST_P(EnvironmentTest, EndsAsItShouldAndSaysWhy) {
  if (under_sanitizer && !GetParam().for_sanitizers) GTEST_SKIP() << "a sanitizer needs more";
  share_with_nobody(directory_.path());
  const std::string folder = directory_.path().string();
  const Finished version = run({"--version"}, ECHOMUX_PROGRAM);
  if (version.status == 77) GTEST_SKIP() << version.err;
  expect("version", version);
  const Traces traces;
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
           {"list"},
           {"doctor"},
           {"reproduce", "list"},
           {"show", REFERENCE},
           {"compare", REFERENCE, REFERENCE},
           {"report", REFERENCE, "-o", folder + "/page.html"},
           {"claims", "short-read-is-drained", "-o", folder + "/claims.json"}}) {
    expect(command.front(), run(command, ECHOMUX_PROGRAM));
  }
  expect("serve", run({"-c", "cd " + folder + std::string(served), ECHOMUX_PROGRAM}, "sh"));
  const std::string results = folder + "/results.json";
  expect("bench", run({"bench", "--backends", "floor,threaded,epoll_et", "--server",
                       std::string("mine=") + ODD_SERVER + " {port} plain", "--idle",
                       GetParam().idle, "--repetitions", "1", "--duration", "60ms", "--timeout",
                       "3s", "--seed", "1", "-o", results},
                      ECHOMUX_PROGRAM));
  EXPECT_THAT(traces.processes(), IsEmpty());
  EXPECT_THAT(traces.temporary_files(), IsEmpty());
  if (!GetParam().has_figures) return;
  for (const Trial& trial : read_results(results).trials) {
    EXPECT_TRUE(trial.has_figures()) << trial.cell.server << ": " << trial.outcome.sentence;
    if (!trial.has_figures()) continue;
    EXPECT_GT(trial.cost->cpu_us_per_request, 1) << trial.cell.server;
    const bool ours = trial.cell.server != "floor" && trial.cell.server != "mine";
    EXPECT_NE(trial.cost->counters.empty(), ours) << trial.cell.server;
  }
}

// So many lines, each with its number from 0 on in the place of "{}".
std::string lines(std::size_t count, std::string_view line) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += fmt::format(fmt::runtime(line), i) + "\n";
  return text;
}

// What the system tells where it has 2,000 CPUs and 128 TiB, and no limit that anyone comes to.
std::vector<std::string> large_files() {
  const std::string all_ones = "18446744073709551615";
  return {
      "file=/proc/stat:cpu  99999999999999 9 9 9 9 9 9 9 9 9\n" +
          lines(2000, "cpu{} 99 0 9 99 9 0 0 7 0 0") + "ctxt 1\nbtime 1700000000",
      "file=/proc/cpuinfo:" + lines(2000, "processor\t: {}\nmodel name\t: Made Up\n"),
      "file=/proc/meminfo:MemTotal: 137438953472 kB\nMemAvailable: 137438953472 kB\nSlab: 9 kB\n"
      "KernelStack: 9 kB\nPageTables: 9 kB\n" +
          lines(500, "Made{}: 7 kB"),
      "file=/proc/loadavg:1999.00 2000.12 12345.67 2500/600000 4194303",
      "file=/sys/devices/system/cpu/possible:0-8191",
      "file=/sys/devices/system/cpu/online:0-1999",
      "file=/proc/sys/fs/file-max:9223372036854775807",
      "file=/proc/sys/fs/nr_open:2147483584",
      "file=/proc/sys/kernel/pid_max:4194304",
      "file=/proc/sys/kernel/threads-max:4294967295",
      "file=/proc/sys/vm/max_map_count:" + all_ones,
      "file=/proc/sys/fs/epoll/max_user_watches:" + all_ones,
      "file=/proc/sys/net/core/somaxconn:2147483647",
      "file=/proc/version:Linux version " + std::string(8000, '9')};
}

std::vector<Environment> environments() {
  const std::string file_limit = "limits the size of files (ulimit -f)";
  const End other_pids{1, "/proc is that of another PID namespace"};
  const End no_proc{1, "/proc isn't mounted here"};
  const std::string unreachable = "Network is unreachable";
  const std::vector<std::string> few_ports{"network=up",
                                           "set=net/ipv4/ip_local_port_range:32768 33000"};
  std::vector<Environment> all{
      {"as_it_is", {}},
      // Calls that a container's filter, an older kernel or another kernel refuses.
      {"no_perf_event_open", {"refuse=perf_event_open"}, {{"doctor", {0, "not permitted"}}}},
      {"no_epoll_pwait2", {"refuse=epoll_pwait2"}},
      {"older_kernel",
       {"refuse=epoll_pwait2:ENOSYS", "refuse=pidfd_open:ENOSYS", "refuse=close_range:ENOSYS"}},
      {"no_sched_setscheduler",
       {"refuse=sched_setscheduler"},
       {{"bench", {0, "the kernel refuses threads of idle priority"}}}},
      {"no_sched_setaffinity",
       {"refuse=sched_setaffinity"},
       {{"bench", {0, "choose their CPUs here, free to sleep"}}}},
      {"no_sched_getaffinity",
       {"refuse=sched_getaffinity"},
       {{"bench", {0, "the kernel refuses to let programs choose their CPUs"}}}},
      {"no_pidfd_open", {"refuse=pidfd_open"}},
      {"no_close_range", {"refuse=close_range"}},
      {"no_sigqueue", {"refuse=rt_sigqueueinfo"}},
      {"no_memfd_create", {"refuse=memfd_create"}},
      {"no_sock_diag", {"refuse=netlink"}},
      // As in gVisor, which has none of these.
      {"as_gvisor",
       {"refuse=perf_event_open", "refuse=pidfd_open", "refuse=netlink",
        "file=/proc/meminfo:MemTotal: 2000000 kB\nMemAvailable: 1900000 kB"}},
      // Files of the system that are missing, empty, larger or older.
      {"no_proc",
       {"hide=/proc"},
       {{"bench", no_proc}, {"claims", no_proc}, {"doctor", {0, "/proc isn't mounted here"}}},
       "0",
       false,
       false},
      {"no_sys", {"hide=/sys"}},
      {"empty_meminfo", {"file=/proc/meminfo:"}},
      {"short_stat", {"file=/proc/stat:cpu  1 2"}},
      {"odd_port_range", {"file=/proc/sys/net/ipv4/ip_local_port_range:hello world"}},
      {"empty_cpuinfo", {"file=/proc/cpuinfo:"}},
      {"large_files", large_files()},
      {"empty_loadavg", {"file=/proc/loadavg:"}},
      // Processes and users.
      {"pids_without_their_proc",
       {"pids="},
       {{"bench", other_pids},
        {"claims", other_pids},
        {"doctor", {0, "/proc is that of another PID namespace"}}},
       "0",
       false,
       false},
      {"pids", {"pids=proc"}},
      {"root_of_some_users", {"users"}, {{"doctor", {0, "this root has no CAP_SYS_RESOURCE"}}}},
      {"nobody", {"nobody"}},
      {"as_wsl2",
       {"file=/proc/version:Linux version 5.15.90.1-microsoft-standard-WSL2", "hide=/sys"},
       {{"doctor", {0, "Windows Subsystem for Linux"}}}},
      // Networks.
      {"loopback_down",
       {"network=down"},
       {{"bench", {1, unreachable}}, {"serve", {11, unreachable}}, {"claims", {0, "not testable"}}},
       "0",
       false},
      {"one_loopback_address", {"network=one-address"}, {}, "300"},
      {"few_ports", few_ports, {}, "600"},
      {"few_ports_of_one_address",
       {"network=one-address", few_ports[1]},
       {{"doctor", {0, "233 connections here"}},
        {"bench", {1, "get 233 connections here, and 610 are asked for"}}},
       "600",
       false},
      {"short_backlog", {"network=up", "set=net/core/somaxconn:4"}, {}, "100"},
      // Limits of this process.
      {"few_descriptors",
       {"limit=nofile:64"},
       {{"doctor", {0, "40 connections here"}},
        {"bench", {1, "not possible: needs 134 descriptors"}}},
       "100",
       false},
      {"few_processes",
       {"user=65533", "limit=nproc:60"},
       {{"doctor", {0, "limit of 60 processes"}}, {"bench", {1, "threaded gets"}}},
       "100",
       false},
      {"no_queued_signals", {"limit=sigpending:0"}},
      {"small_files",
       {"limit=fsize:20480"},
       {{"bench", {1, file_limit}}, {"report", {1, file_limit}}},
       "0",
       false},
      {"little_address_space", {"limit=as:1000000000"}, {}, "50", true, false},
      {"stack_without_limit", {"limit=stack:unlimited"}},
      {"one_cpu", {"cpu=0"}, {{"bench", {0, "share the only CPU"}}}},
      // Control groups.
      {"cpu_quota",
       {"group=cpu:cpu.cfs_quota_us:50000"},
       {{"doctor", {0, "may use 0.5 CPUs"}}, {"bench", {0, "and that would use them up"}}}},
      {"few_tasks",
       {"group=pids:pids.max:60"},
       {{"doctor", {0, "pids.max 60"}}, {"bench", {1, "the control group's pids.max 60"}}},
       "100",
       false},
      {"little_memory",
       {"group=memory:memory.limit_in_bytes:60M"},
       {{"doctor", {0, "memory, at 8 KiB per connection"}}, {"bench", {0, "of memory are left"}}},
       "0,5000",
       false}};
  return all;
}

INSTANTIATE_TEST_SUITE_P(Environments, EnvironmentTest, ::testing::ValuesIn(environments()),
                         [](const auto& environment) { return environment.param.name; });

// Bench as a user without privileges, with a server of somebody else's.
class ServerOfAnotherUser : public ::testing::Test {
 protected:
  ServerOfAnotherUser() { share_with_nobody(directory_.path()); }

  // A copy of a program, with these permissions, for root and the user without privileges alone.
  std::string copy_of(const std::string& program, unsigned permissions) {
    const std::filesystem::path copy = directory_ / "server";
    std::filesystem::copy_file(program, copy);
    if (::geteuid() == 0) check(::chown(copy.c_str(), 0, group_of_nobody), "chown");
    std::filesystem::permissions(copy, std::filesystem::perms(permissions));
    return copy;
  }

  void bench(const std::string& command) {
    const std::string results = (directory_ / "results.json").string();
    const Finished run =
        run_program({"nobody", "--", ECHOMUX_PROGRAM, "bench", "--backends", "none", "--server",
                     "mine=" + command, "--idle", "5", "--repetitions", "1", "--duration", "60ms",
                     "--no-report", "-o", results},
                    {}, ENTER);
    if (run.status == 77) GTEST_SKIP() << run.err;
    EXPECT_EQ(run.status, 0) << run.out << run.err;
    const Results measured = read_results(results);
    ASSERT_EQ(measured.trials.size(), 1U);
    EXPECT_TRUE(measured.trials[0].has_figures());
    codes_ = codes(measured.trials[0].judgement);
  }

  TemporaryDirectory directory_;
  std::vector<std::string> codes_;  // of the bench's only trial
};

// One whose program its user may execute but not read: he may not look at its descriptors.
TEST_F(ServerOfAnotherUser, IsMeasuredThoughNotSeenToListen) {
  bench(copy_of(ODD_SERVER, 0110) + " {port} plain");
  if (IsSkipped() || HasFatalFailure()) return;
  EXPECT_THAT(codes_, Contains("listener_unknown"));
}

// As with sudo: what the command starts is root's, and may not be stopped.
TEST_F(ServerOfAnotherUser, IsToldOfWhenItCannotBeStopped) {
  struct statvfs system {};
  check(::statvfs(directory_.path().c_str(), &system), "statvfs");
  if ((system.f_flag & ST_NOSUID) != 0 || ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1) {
    GTEST_SKIP() << "nobody becomes root by a program here";
  }
  const std::filesystem::path server = directory_ / "of_root";
  std::filesystem::copy_file(ODD_SERVER, server);
  bench(copy_of(ENTER, 04750) + " root -- " + server.string() + " {port} plain");
  if (IsSkipped() || HasFatalFailure()) return;
  EXPECT_THAT(codes_, Contains("left_running"));
  for (const int pid : proc::numbers_in("/proc")) {
    const auto line = proc::read_file(fmt::format("/proc/{}/cmdline", pid));
    if (line && line->starts_with(server.string())) ::kill(pid, SIGKILL);
  }
}

}  // namespace
}  // namespace echomux
