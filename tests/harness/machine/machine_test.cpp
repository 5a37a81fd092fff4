#include "harness/machine/machine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "harness/machine/build_info.hpp"
#include "harness/machine/cpu.hpp"
#include "harness/machine/loopback.hpp"
#include "harness/machine/memory.hpp"
#include "tests/support/fake_root.hpp"

namespace echomux {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

TEST(Machine, AgreesWithWhatTheSystemTells) {
  const Machine machine = describe_machine();
  rlimit descriptors{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &descriptors), 0);
  utsname system{};
  ASSERT_EQ(::uname(&system), 0);
  EXPECT_THAT(machine.kernel, StartsWith(std::string("Linux ") + system.release));
  EXPECT_EQ(machine.architecture, system.machine);
  EXPECT_EQ(machine.limits.descriptors_hard.value_or(RLIM_INFINITY), descriptors.rlim_max);
  EXPECT_EQ(machine.cpus_usable, usable_cpus().size());
  EXPECT_GE(machine.cpus_online, 1U);
  EXPECT_GT(machine.memory_bytes, machine.memory_available_bytes);
  EXPECT_GT(machine.tasks, 1U);
  EXPECT_THAT(machine.cpu_accounting, Not(IsEmpty()));
  EXPECT_THAT(machine.tracepoint, Not(IsEmpty()));
}

TEST(Machine, TellsWhatIsNotThere) {
  const Machine machine = describe_machine(FakeRoot().path());
  for (const char* const what : {"distribution", "cpu_model", "memory_bytes", "cpu_accounting",
                                 "clocksource", "mitigations", "net.core.somaxconn", "cgroup"}) {
    EXPECT_TRUE(machine.unavailable.contains(what)) << what;
  }
  EXPECT_THAT(machine.unavailable.at("clocksource"), HasSubstr("No such file"));
  EXPECT_THAT(machine.cpu_accounting, StartsWith("unknown because"));
  EXPECT_EQ(machine.tracepoint, "tracefs is not mounted");
  EXPECT_EQ(machine.hypervisor, "");
}

TEST(Machine, ReadsAVirtualMachine) {
  FakeRoot root;
  root.add("proc/cpuinfo",
           "model name\t: Some CPU\ncpu MHz\t\t: 2500.5\nflags\t\t: fpu hypervisor\n")
      .add("etc/os-release", "PRETTY_NAME=\"Some Linux 1\"\n")
      .add("proc/loadavg", "0.50 0.25 0.10 3/92 4590\n")
      .add("proc/sys/net/ipv4/tcp_mem", "1\t2\t3\n")
      .add("sys/devices/system/cpu/vulnerabilities/meltdown", "Not affected\n");
  Machine machine = describe_machine(root.path());
  EXPECT_EQ(machine.cpu_model, "Some CPU");
  EXPECT_EQ(machine.cpu_mhz, 2500.5);
  EXPECT_EQ(machine.distribution, "Some Linux 1");
  EXPECT_THAT(machine.hypervisor, HasSubstr("unknown make"));
  EXPECT_THAT(machine.load_averages, ElementsAre(0.5, 0.25, 0.1));
  EXPECT_EQ(machine.tasks, 92U);
  EXPECT_EQ(machine.sysctls.at("net.ipv4.tcp_mem"), "1 2 3");
  EXPECT_EQ(machine.mitigations.at("meltdown"), "Not affected");
  EXPECT_EQ(machine.governor, "none: no cpufreq");
  root.add("sys/class/dmi/id/sys_vendor", "QEMU\n");
  EXPECT_EQ(describe_machine(root.path()).hypervisor, "QEMU");
}

TEST(Machine, KnowsWhichAccountingOfCpuTimeIsActive) {
  utsname system{};
  ASSERT_EQ(::uname(&system), 0);
  const std::string config = std::string("boot/config-") + system.release;
  FakeRoot root;
  root.add(config, "CONFIG_TICK_CPU_ACCOUNTING=y\nCONFIG_HZ=250\n");
  EXPECT_EQ(describe_machine(root.path()).cpu_accounting, "tick-based (250 Hz)");
  root.add(config, "# CONFIG_TICK_CPU_ACCOUNTING is not set\nCONFIG_VIRT_CPU_ACCOUNTING_GEN=y\n");
  EXPECT_THAT(describe_machine(root.path()).cpu_accounting, HasSubstr("not active"));
  root.add("sys/devices/system/cpu/nohz_full", "1-3\n");
  EXPECT_EQ(describe_machine(root.path()).cpu_accounting, "full (VIRT_CPU_ACCOUNTING_GEN)");
}

TEST(Machine, FindsTheTightestLimitOfItsControlGroups) {
  FakeRoot root;
  root.add("proc/self/cgroup", "0::/user.slice/user-1.slice\n")
      .add("sys/fs/cgroup/cgroup.controllers", "memory pids\n")
      .add("sys/fs/cgroup/user.slice/pids.max", "500\n")
      .add("sys/fs/cgroup/user.slice/user-1.slice/pids.max", "max\n")
      .add("sys/fs/cgroup/user.slice/user-1.slice/memory.max", "1048576\n");
  const Limits limits = describe_machine(root.path()).limits;
  EXPECT_EQ(limits.cgroup_pids, 500U);
  EXPECT_EQ(limits.cgroup_pids_file, "/sys/fs/cgroup/user.slice/pids.max");
  EXPECT_EQ(limits.cgroup_memory_bytes, 1048576U);
}

TEST(UsableMemory, IsTheLeastOfWhatIsLeft) {
  FakeRoot root;
  EXPECT_EQ(usable_memory_bytes(root.path()), std::nullopt);
  root.add("proc/meminfo", "MemTotal: 2000 kB\nMemAvailable: 1000 kB\n");
  EXPECT_EQ(usable_memory_bytes(root.path()), 1000U * 1024 / 10 * 9);
  // What the group's processes have read of files gives way.
  root.add("proc/self/cgroup", "4:memory:/ours\n")
      .add("sys/fs/cgroup/memory/ours/memory.limit_in_bytes", "600000\n")
      .add("sys/fs/cgroup/memory/ours/memory.usage_in_bytes", "500000\n")
      .add("sys/fs/cgroup/memory/ours/memory.stat", "cache 1\ntotal_inactive_file 200000\n");
  EXPECT_EQ(usable_memory_bytes(root.path()), 300'000U / 10 * 9);
  root.add("proc/self/cgroup", "0::/ours\n")
      .add("sys/fs/cgroup/cgroup.controllers", "memory\n")
      .add("sys/fs/cgroup/ours/memory.max", "max\n")
      .add("sys/fs/cgroup/ours/memory.current", "500000\n")
      .add("sys/fs/cgroup/memory.max", "700000\n")
      .add("sys/fs/cgroup/memory.current", "600000\n");
  EXPECT_EQ(usable_memory_bytes(root.path()), 100'000U / 10 * 9);
}

TEST(Loopback, KnowsItsPortsAndWhetherItsConnectionsAreTracked) {
  EXPECT_TRUE(has_whole_loopback());
  EXPECT_GT(client_ports().value_or(0), 0U);
  FakeRoot root;
  EXPECT_EQ(client_ports(root.path()), std::nullopt);
  EXPECT_FALSE(connection_tracking(root.path()));
  root.add("proc/sys/net/ipv4/ip_local_port_range", "32768\t33000\n")
      .add("proc/sys/net/netfilter/nf_conntrack_max", "1000\n")
      .add("proc/sys/net/netfilter/nf_conntrack_count", "0\n");
  EXPECT_EQ(client_ports(root.path()), 233U);
  EXPECT_FALSE(connection_tracking(root.path())) << "no rule asks for it";
  root.add("proc/sys/net/netfilter/nf_conntrack_count", "500\n");
  EXPECT_FALSE(connection_tracking(root.path())->full());
  root.add("proc/sys/net/netfilter/nf_conntrack_count", "995\n");
  EXPECT_TRUE(connection_tracking(root.path())->full());
  root.add("proc/sys/net/ipv4/ip_local_port_range", "hello world\n");
  EXPECT_EQ(client_ports(root.path()), std::nullopt);
}

TEST(MachineDifferences, AreNoneBetweenAMachineAndItself) {
  const Machine machine = describe_machine();
  Machine later = machine;
  later.load_averages = {9, 9, 9};
  later.memory_available_bytes = 1;
  later.cpu_mhz = 1;
  later.memory_bytes += later.memory_bytes / 1000;  // some pages, after a restart
  EXPECT_THAT(differences(machine, later), IsEmpty());
}

TEST(MachineDifferences, AreTold) {
  Machine one;
  one.cpu_model = "A";
  one.memory_bytes = 1000;
  one.limits.descriptors_hard = 1024;
  one.sysctls = {{"net.ipv4.tcp_mem", "100 200 300"}, {"net.core.busy_poll", "0"}};
  Machine other = one;
  other.cpu_model = "B";
  other.memory_bytes = 2000;
  other.limits.descriptors_hard = std::nullopt;
  other.sysctls = {{"net.ipv4.tcp_mem", "100 200 400"}, {"net.core.somaxconn", "128"}};
  EXPECT_THAT(differences(one, other),
              ElementsAre("The CPU model differs: A against B.",
                          "The memory in bytes differs: 1000 against 2000.",
                          "The limit of descriptors differs: 1024 against none.",
                          "The sysctl net.core.busy_poll differs: 0 against not told.",
                          "The sysctl net.ipv4.tcp_mem differs: 100 200 300 against 100 200 400.",
                          "The sysctl net.core.somaxconn differs: not told against 128."));
}

TEST(BuildInfo, IsComplete) {
  const Build build = build_info();
  EXPECT_THAT(build.version, ::testing::MatchesRegex("[0-9]+[.][0-9]+[.][0-9]+"));
  EXPECT_THAT(build.git_commit, ::testing::MatchesRegex("unknown|[0-9a-f]{12,}(-dirty)?"));
  EXPECT_THAT(build.code_digest, ::testing::MatchesRegex("[0-9a-f]{16}"));
  EXPECT_THAT(build.compiler, Not(IsEmpty()));
}

}  // namespace
}  // namespace echomux
