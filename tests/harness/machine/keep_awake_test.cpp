// Where a CPU may be kept awake, and where that would do harm.
#include "harness/machine/keep_awake.hpp"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>

#include "harness/bench/sweep.hpp"
#include "harness/machine/cgroup.hpp"
#include "harness/machine/cpu.hpp"
#include "harness/machine/cpu_claim.hpp"
#include "tests/support/fake_root.hpp"

namespace echomux {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(CpuQuota, IsTheTightestOfTheGroupsAroundInBothVersions) {
  FakeRoot none;
  EXPECT_FALSE(cpu_quota(none.path()).has_value());
  none.add("proc/self/cgroup", "0::/a/b\n");
  none.add("sys/fs/cgroup/cgroup.controllers", "cpu");
  none.add("sys/fs/cgroup/a/b/cpu.max", "max 100000");
  EXPECT_FALSE(cpu_quota(none.path()).has_value());

  FakeRoot second;
  second.add("proc/self/cgroup", "0::/a/b\n");
  second.add("sys/fs/cgroup/cgroup.controllers", "cpu");
  second.add("sys/fs/cgroup/a/b/cpu.max", "150000 100000");
  second.add("sys/fs/cgroup/a/cpu.max", "50000 100000");
  const auto half = cpu_quota(second.path());
  ASSERT_TRUE(half.has_value());
  EXPECT_EQ(half->cpus, 0.5);
  EXPECT_THAT(half->file, HasSubstr("/sys/fs/cgroup/a/cpu.max"));

  FakeRoot first;
  first.add("proc/self/cgroup", "4:cpu,cpuacct:/c\n3:memory:/d\n");
  first.add("sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_quota_us", "200000");
  first.add("sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_period_us", "100000");
  first.add("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1");
  first.add("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000");
  EXPECT_EQ(cpu_quota(first.path()).value().cpus, 2);
}

TEST(CpuQuota, TellsForHowLongItWasUsedUp) {
  FakeRoot second;
  second.add("proc/self/cgroup", "0::/a\n");
  second.add("sys/fs/cgroup/cgroup.controllers", "cpu");
  second.add("sys/fs/cgroup/a/cpu.max", "50000 100000");
  EXPECT_FALSE(throttled_time(cpu_quota(second.path()).value(), second.path()).has_value());
  second.add("sys/fs/cgroup/a/cpu.stat", "usage_usec 9\nnr_throttled 3\nthrottled_usec 250\n");
  EXPECT_EQ(throttled_time(cpu_quota(second.path()).value(), second.path()),
            std::chrono::microseconds(250));

  FakeRoot first;
  first.add("proc/self/cgroup", "4:cpu,cpuacct:/c\n");
  first.add("sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_quota_us", "200000");
  first.add("sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_period_us", "100000");
  first.add("sys/fs/cgroup/cpu,cpuacct/c/cpu.stat", "nr_periods 4\nthrottled_time 777\n");
  EXPECT_EQ(throttled_time(cpu_quota(first.path()).value(), first.path()),
            std::chrono::nanoseconds(777));
}

TEST(TwoCpus, AreOfTheFastestCoresThatAreAlike) {
  const std::vector<int> all{0, 1, 2, 3};
  FakeRoot alike;
  EXPECT_EQ(choose_two(all, alike.path()), (TwoCpus{0, 3}));
  FakeRoot hybrid;
  hybrid.add("sys/devices/cpu_atom/cpus", "2-3\n");
  EXPECT_EQ(choose_two(all, hybrid.path()), (TwoCpus{0, 1, ", two of the faster cores"}));
  // One fast core with two threads: better two slow ones.
  const std::string siblings = "topology/thread_siblings_list";
  for (const int cpu : {0, 1}) {
    hybrid.add(fmt::format("sys/devices/system/cpu/cpu{}/{}", cpu, siblings), "0-1\n");
  }
  EXPECT_EQ(choose_two(all, hybrid.path()), (TwoCpus{2, 3, ", two of the slower cores"}));
  EXPECT_EQ(choose_two({0, 1}, hybrid.path()), (TwoCpus{0, 1}));
  FakeRoot each_its_own;
  for (const int cpu : all) {
    each_its_own.add(fmt::format("sys/devices/system/cpu/cpu{}/cpu_capacity", cpu),
                     fmt::format("{}\n", 400 + cpu));
  }
  EXPECT_EQ(choose_two(all, each_its_own.path()), (TwoCpus{0, 3, ", whose cores differ in speed"}));
}

TEST(CpuMask, HasRoomForTheCpusOfLargeMachines) {
  CpuMask mask;
  for (const int cpu : {0, 1023, 1024, 1999, CpuMask::most - 1}) {
    EXPECT_FALSE(mask.has(cpu));
    mask.add(cpu);
    EXPECT_TRUE(mask.has(cpu));
  }
  EXPECT_FALSE(mask.has(976));  // 2000 - 1024
  mask.add(CpuMask::most);
  mask.add(-1);
}

// Not those of other tests, which may be measured on.
TEST(CpuClaim, IsSeenByBoth) {
  const int cpu = 10'000 + 3 * ::getpid();
  std::optional<CpuClaim> first;
  first.emplace(std::vector{cpu, cpu + 1});
  EXPECT_THAT(first->shared(), IsEmpty());
  CpuClaim second({cpu + 1, cpu + 2});
  EXPECT_THAT(second.shared(), ElementsAre(cpu + 1));
  EXPECT_THAT(first->shared(), ElementsAre(cpu + 1));
  EXPECT_THAT(first->shared(), IsEmpty()) << "nothing was said since";
  // It goes with its holder, and to the next who wants it.
  first.reset();
  EXPECT_THAT(second.shared(), IsEmpty());
  CpuClaim third({cpu + 1});
  EXPECT_THAT(third.shared(), ElementsAre(cpu + 1));
  EXPECT_THAT(second.shared(), ElementsAre(cpu + 1));
}

TEST(KeepAwake, IsNotForCpusUnderAQuota) {
  FakeRoot kernel;
  EXPECT_THAT(why_not_kept_awake({0, 1}, kernel.path()), IsEmpty());
  kernel.add("proc/self/cgroup", "0::/\n");
  kernel.add("sys/fs/cgroup/cgroup.controllers", "cpu");
  kernel.add("sys/fs/cgroup/cpu.max", "50000 100000");
  EXPECT_THAT(why_not_kept_awake({0, 1}, kernel.path()), HasSubstr("cpu.max allows 0.50 CPUs"));
}

TEST(KeepAwake, IsNotForTwoThreadsOfOneCore) {
  FakeRoot kernel;
  for (const int cpu : {0, 1, 4, 5}) {
    kernel.add(
        "sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list",
        cpu % 4 == 0 ? "0,4" : "1,5-6");
  }
  EXPECT_THAT(why_not_kept_awake({0, 1}, kernel.path()), IsEmpty());
  EXPECT_THAT(why_not_kept_awake({0, 4}, kernel.path()),
              HasSubstr("CPUs 0 and 4 are threads of one core"));
  EXPECT_THAT(why_not_kept_awake({5, 1}, kernel.path()), HasSubstr("threads of one core"));
}

// Has the kernel refuse another priority, as in a container.
void refuse_priorities() {
  std::array filter{
      sock_filter{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
      sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_sched_setscheduler},
      sock_filter{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EPERM},
      sock_filter{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
  };
  sock_fprog program{.len = filter.size(), .filter = filter.data()};
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

TEST(KeepAwake, IsNotSaidToBeWhereTheKernelRefuses) {
  EXPECT_EXIT(
      {
        refuse_priorities();
        std::fputs(plan_cpus(true, true).explanation.c_str(), stderr);
        std::exit(0);
      },
      ::testing::ExitedWithCode(0), "free to sleep: the kernel refuses threads of idle priority");
}

}  // namespace
}  // namespace echomux
