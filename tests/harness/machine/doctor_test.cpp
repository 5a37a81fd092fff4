#include "harness/machine/doctor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/text/json.hpp"

namespace echomux {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t gib = 1ULL << 30;

const std::vector<ServerTraits>& servers() {
  static const std::vector<ServerTraits> all{
      {.name = "blocking", .max_connections = 1, .limit = "by nature", .lift = ""},
      {.name = "threaded",
       .max_connections = std::nullopt,
       .limit = "",
       .lift = "",
       .thread_per_connection = true},
      {.name = "select", .max_connections = 1017, .limit = "FD_SETSIZE 1024", .lift = "none"},
      {.name = "epoll", .max_connections = std::nullopt, .limit = "", .lift = ""}};
  return all;
}

// A machine made for measuring, and its user root.
Machine good_machine() {
  Machine machine;
  machine.cpus_online = machine.cpus_usable = 16;
  machine.memory_bytes = 64 * gib;
  machine.memory_available_bytes = 60 * gib;
  machine.memory_usable_bytes = 54 * gib;
  machine.cpu_accounting = "full (VIRT_CPU_ACCOUNTING_GEN)";
  machine.governor = "performance";
  machine.clocksource = "tsc";
  machine.smt = "off";
  machine.root = machine.system_root = machine.may_exceed_limits = true;
  machine.perf_event_paranoid = 2;
  machine.tracepoint = "usable";
  machine.tasks = 200;
  machine.limits.descriptors_hard = 200'000;
  machine.limits.nr_open = 1'048'576;
  machine.limits.threads_max = 500'000;
  machine.limits.pid_max = 4'194'304;
  machine.limits.max_map_count = 1'048'576;
  machine.sysctls = {{"net.core.somaxconn", "4096"},
                     {"net.core.busy_poll", "0"},
                     {"net.ipv4.ip_local_port_range", "32768 60999"}};
  return machine;
}

// A small one, lent to a user without privileges.
Machine poor_machine() {
  Machine machine = good_machine();
  machine.cpus_online = 2;
  machine.cpus_usable = 1;
  machine.memory_available_bytes = gib;
  machine.memory_usable_bytes = gib / 10 * 9;
  machine.cpu_accounting = "tick-based (250 Hz)";
  machine.governor = "powersave";
  machine.clocksource = "hpet";
  machine.smt = "on";
  machine.hypervisor = "QEMU";
  machine.root = machine.system_root = machine.may_exceed_limits = false;
  machine.tracepoint = "tracefs is not readable";
  machine.load_averages = {1.5, 1, 1};
  machine.swap_bytes = machine.swap_used_bytes = gib;
  machine.limits.descriptors_hard = 4096;
  machine.limits.processes_soft = machine.limits.processes_hard = 3000;
  machine.sysctls = {{"net.core.somaxconn", "128"},
                     {"net.core.busy_poll", "50"},
                     {"net.ipv4.ip_local_port_range", "32768 60999"}};
  return machine;
}

Capacity capacity(const Machine& machine, const std::string& backend) {
  for (const Capacity& each : diagnose(machine, servers()).backends) {
    if (each.backend == backend) return each;
  }
  return {};
}

// The observation of that word; one without a word when there is none.
Observation observation(const Machine& machine, const std::string& what) {
  for (const Observation& each : diagnose(machine, servers()).observations) {
    if (each.what == what) return each;
  }
  return {};
}

TEST(Doctor, HasNothingToSayAgainstAGoodMachine) {
  const Diagnosis diagnosis = diagnose(good_machine(), servers());
  ASSERT_EQ(diagnosis.backends.size(), servers().size());
  for (const Observation& each : diagnosis.observations) {
    EXPECT_EQ(each.level, Level::ok) << each.sentence;
    EXPECT_EQ(each.command, "") << each.sentence;
  }
}

TEST(Doctor, KeepsTheLimitsThatServersHaveThemselves) {
  EXPECT_EQ(capacity(good_machine(), "blocking"), (Capacity{"blocking", 1, "by nature", ""}));
  EXPECT_EQ(capacity(good_machine(), "select"),
            (Capacity{"select", 1017, "FD_SETSIZE 1024", "none"}));
  Machine machine = good_machine();
  machine.limits.descriptors_hard = 524;
  EXPECT_EQ(capacity(machine, "select").max_connections, 500U);
}

TEST(Doctor, SaysHowToHaveMoreDescriptors) {
  Machine machine = good_machine();
  EXPECT_EQ(capacity(machine, "epoll"),
            (Capacity{"epoll", 199'976, "hard limit of 200000 descriptors",
                      "ulimit -Hn 1048576 && ulimit -Sn 1048576"}));
  machine.may_exceed_limits = false;
  EXPECT_THAT(capacity(machine, "epoll").lift, HasSubstr("docker run --ulimit nofile="));
  machine.root = machine.system_root = false;
  EXPECT_EQ(capacity(machine, "epoll").lift, "sudo prlimit --pid $$ --nofile=1048576:1048576");
  machine.limits.descriptors_hard = machine.limits.nr_open;
  EXPECT_EQ(capacity(machine, "epoll").lift,
            "sudo sysctl -w fs.nr_open=4194304 && "
            "sudo prlimit --pid $$ --nofile=4194304:4194304");
}

TEST(Doctor, FindsWhatLimitsThreads) {
  Machine machine = good_machine();
  machine.limits.threads_max = 5200;
  EXPECT_EQ(capacity(machine, "threaded"), (Capacity{"threaded", 5000, "kernel.threads-max 5200",
                                                     "sysctl -w kernel.threads-max=20800"}));
  machine.limits.pid_max = 4500;
  EXPECT_EQ(capacity(machine, "threaded"), (Capacity{"threaded", 4000, "kernel.pid_max 4500",
                                                     "sysctl -w kernel.pid_max=4194304"}));
  machine.limits.max_map_count = 6128;
  EXPECT_EQ(capacity(machine, "threaded").max_connections, 3000U);
  EXPECT_EQ(capacity(machine, "threaded").lift, "sysctl -w vm.max_map_count=1048576");
  machine.limits.cgroup_pids = 2200;
  machine.limits.cgroup_pids_file = "/sys/fs/cgroup/a/pids.max";
  EXPECT_EQ(capacity(machine, "threaded").max_connections, 2000U);
  EXPECT_EQ(capacity(machine, "threaded").lift, "echo max | tee /sys/fs/cgroup/a/pids.max");
  machine.limits.processes_soft = machine.limits.processes_hard = 1200;
  machine.user_tasks = 200;
  EXPECT_EQ(capacity(machine, "threaded").max_connections, 2000U) << "root may exceed it";
  machine.root = machine.system_root = machine.may_exceed_limits = false;
  EXPECT_EQ(capacity(machine, "threaded").max_connections, 1000U);
  // What others run takes nothing of this user's limit, nor what is in other groups of this one's.
  machine.limits.threads_max = machine.limits.pid_max = machine.limits.max_map_count = 400'000;
  machine.tasks = 100'000;
  machine.limits.cgroup_pids_taken = 100;
  EXPECT_EQ(capacity(machine, "threaded").max_connections, 1000U);
  machine.limits.cgroup_pids_taken = 1300;
  EXPECT_EQ(capacity(machine, "threaded").max_connections, 900U);
  machine.limits.cgroup_pids_taken = 100;
  EXPECT_EQ(capacity(machine, "threaded").lift, "sudo prlimit --pid $$ --nproc=200000:200000");
  machine.limits.processes_hard = 5000;
  EXPECT_EQ(capacity(machine, "threaded").lift, "ulimit -Su $(ulimit -Hu)");
  EXPECT_EQ(capacity(machine, "epoll").max_connections, 199'976U) << "it has no threads";
}

TEST(Doctor, CountsMemoryFilesAndPorts) {
  Machine machine = good_machine();
  machine.memory_usable_bytes = 900 * 8192;
  EXPECT_EQ(capacity(machine, "epoll").max_connections, 900U);
  EXPECT_EQ(capacity(machine, "threaded").max_connections, 90U);
  machine = good_machine();
  machine.sysctls["net.ipv4.ip_local_port_range"] = "50000 50999";
  EXPECT_EQ(capacity(machine, "epoll").max_connections, 199'976U) << "there are more addresses";
  machine.limits.loopback_ports = 1000;
  EXPECT_EQ(capacity(machine, "epoll").max_connections, 1000U);
  EXPECT_EQ(capacity(machine, "epoll").lift, "ip address add 127.0.0.1/8 dev lo");
  machine = good_machine();
  machine.limits.epoll_watches = 3000;
  EXPECT_EQ(capacity(machine, "epoll").max_connections, 1500U);
  machine = good_machine();
  machine.limits.tracked_connections = 3000;
  machine.limits.tracked_connections_taken = 1000;
  EXPECT_EQ(capacity(machine, "epoll").max_connections, 2000U);
  machine = good_machine();
  machine.limits.file_max = 3000;
  machine.files_open = 1000;
  EXPECT_EQ(capacity(machine, "epoll").max_connections, 199'976U) << "root may exceed it";
  machine.root = machine.system_root = false;
  EXPECT_EQ(capacity(machine, "epoll").max_connections, 1000U);
}

TEST(Doctor, WarnsOfAPoorMachine) {
  const Machine machine = poor_machine();
  EXPECT_EQ(observation(machine, "connections").level, Level::limit);
  for (const char* const what : {"cpus", "smt", "hypervisor", "governor", "load", "accounting",
                                 "clocksource", "perf", "somaxconn", "busy_poll", "swap"}) {
    EXPECT_EQ(observation(machine, what).level, Level::note) << what;
  }
  EXPECT_THAT(observation(machine, "hypervisor").sentence, HasSubstr("QEMU"));
  EXPECT_THAT(observation(machine, "load").sentence, HasSubstr("1.50"));
  EXPECT_EQ(observation(machine, "governor").command,
            "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor");
  EXPECT_EQ(observation(machine, "somaxconn").command, "sudo sysctl -w net.core.somaxconn=4096");
  EXPECT_EQ(observation(machine, "perf").command,
            "sudo mount -o remount,mode=750,gid=$(id -g) /sys/kernel/tracing && "
            "sudo sysctl -w kernel.perf_event_paranoid=1");
}

TEST(Doctor, SaysThatNothingIsMeasuredWithoutProc) {
  Machine machine = good_machine();
  machine.unavailable["proc"] = "it is another's";
  EXPECT_EQ(observation(machine, "proc").level, Level::limit);
  EXPECT_THAT(observation(machine, "proc").sentence, HasSubstr("it is another's"));
}

TEST(Doctor, TellsRootToMountTracefsAndNoMore) {
  Machine machine = good_machine();
  machine.tracepoint = "tracefs is not mounted";
  EXPECT_EQ(observation(machine, "perf").command, "mount -t tracefs tracefs /sys/kernel/tracing");
}

TEST(Doctor, PrintsItselfAsJson) {
  const Machine machine = poor_machine();
  const Json json = to_json(machine, diagnose(machine, servers()));
  EXPECT_EQ(machine_from(json.at("machine")), machine);
  EXPECT_EQ(json.at("backends").at(0).at("backend"), "blocking");
  EXPECT_EQ(json.at("backends").at(0).at("max_connections"), 1);
  EXPECT_EQ(json.at("observations").at(0).at("level"), "limit");
}

}  // namespace
}  // namespace echomux
