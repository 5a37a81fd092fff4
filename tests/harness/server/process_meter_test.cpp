#include "harness/server/process_meter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <latch>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "harness/machine/cpu.hpp"
#include "harness/machine/keep_awake.hpp"
#include "harness/machine/taken_time.hpp"
#include "tests/support/child.hpp"
#include "tests/support/process_info.hpp"
#include "tests/support/sanitizers.hpp"

namespace echomux {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// What the children use besides what they burn on purpose: forking, above all.
constexpr milliseconds slack{under_sanitizer ? 500 : 40};

// A clock tick, at the usual hundred per second, for each time that one is rounded down.
constexpr milliseconds tick{10};

TEST(ProcessMeter, AddsUpTheCpuTimeOfAllGenerations) {
  const Child child([](const Child::Line& line) {
    burn_cpu(milliseconds(60));
    if (fork_bound() == 0) {
      burn_cpu(milliseconds(120));
      line.tell(process_cpu_time());
      ::pause();
    }
    line.await();
    line.tell(process_cpu_time());
    line.await();
  });
  const nanoseconds grandchild = child.await();
  child.go_on();
  const nanoseconds total = child.await() + grandchild;
  ASSERT_GE(total, milliseconds(180));

  const auto reading = read_process_tree(child.pid()).value();
  EXPECT_GE(reading.cpu, total);
  EXPECT_LE(reading.cpu, total + slack);
  EXPECT_EQ(reading.processes, 2U);
  EXPECT_EQ(reading.threads, 2 * threads_from_the_start);
  const milliseconds ticks(10 * (reading.user_ticks + reading.system_ticks));
  EXPECT_GE(ticks, total - 4 * tick);
  EXPECT_LE(ticks, total + slack);
}

TEST(ProcessMeter, CountsChildrenThatHaveEnded) {
  const Child child([](const Child::Line& line) {
    const pid_t grandchild = fork_bound();
    if (grandchild == 0) {
      burn_cpu(milliseconds(150));
      ::_exit(0);
    }
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(grandchild), &info, WEXITED | WNOWAIT);
    line.tell();
    line.await();
    ::waitpid(grandchild, nullptr, 0);
    line.tell();
    line.await();
  });
  // First it waits to be waited for, then it has been.
  for (const bool reaped : {false, true}) {
    child.await();
    const auto reading = read_process_tree(child.pid(), Detail::cpu_only).value();
    EXPECT_GE(reading.cpu, milliseconds(150) - 2 * tick) << reaped;
    EXPECT_LE(reading.cpu, milliseconds(150) + slack) << reaped;
    EXPECT_EQ(reading.processes, 1U) << reaped;
    EXPECT_THAT(process_tree(child.pid()), ElementsAre(child.pid())) << reaped;
    child.go_on();
  }
}

TEST(ProcessMeter, ListsParentsBeforeChildren) {
  const Child child([](const Child::Line& line) {
    const pid_t grandchild = fork_bound();
    if (grandchild == 0) {
      if (fork_bound() == 0) line.tell(nanoseconds(::getpid()));
      ::pause();
    }
    line.tell(nanoseconds(grandchild));
    line.await();
  });
  const nanoseconds one = child.await();
  const nanoseconds other = child.await();
  const std::vector<pid_t> tree = process_tree(child.pid());
  ASSERT_THAT(tree, SizeIs(3));
  EXPECT_EQ(tree[0], child.pid());
  EXPECT_EQ(std::minmax({nanoseconds(tree[1]), nanoseconds(tree[2])}), std::minmax({one, other}));
}

TEST(ProcessMeter, CountsThreadsAndFindsChildrenOfManyThreads) {
  const auto before = read_process_tree(::getpid()).value();
  constexpr int count = 100;
  std::latch over(1);
  {
    std::vector<std::jthread> threads;
    threads.reserve(count);
    for (int i = 0; i < count; ++i) threads.emplace_back([&over] { over.wait(); });
    const Child child([](const Child::Line& line) { line.await(); });
    const auto reading = read_process_tree(::getpid());
    const std::vector<pid_t> tree = process_tree(::getpid());
    over.count_down();
    ASSERT_TRUE(reading.has_value());
    // The thread sanitizer may start one of its own in the meantime, here or in the child.
    EXPECT_GE(reading->threads, before.threads + count + 1);
    EXPECT_LE(reading->threads, before.threads + count + 1 + (under_thread_sanitizer ? 2 : 0));
    EXPECT_EQ(reading->processes, before.processes + 1);
    EXPECT_THAT(tree, ElementsAre(::getpid(), child.pid()));
  }
}

// The readings of a child before and after it does some work.
struct Readings {
  ProcessReading before;
  ProcessReading after;
  ProcessReading brief;  // after it, of the CPU time only
};

Readings readings_around(const std::function<void()>& work) {
  const Child child([&work](const Child::Line& line) {
    line.tell();
    line.await();
    work();
    line.tell();
    line.await();
  });
  child.await();
  const auto before = read_process_tree(child.pid()).value();
  child.go_on();
  child.await();
  return {before, read_process_tree(child.pid()).value(),
          read_process_tree(child.pid(), Detail::cpu_only).value()};
}

// Memory of which each page has been written to.
void use_memory(std::size_t size) {
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ::madvise(memory, size, MADV_NOHUGEPAGE);
  for (std::size_t at = 0; at < size; at += 4096) static_cast<volatile char*>(memory)[at] = 1;
}

TEST(ProcessMeter, SeesMemoryThatIsUsed) {
  constexpr std::size_t size = std::size_t{32} << 20;
  const Readings child = readings_around([] { use_memory(size); });
  const auto growth = static_cast<double>(child.after.resident_bytes - child.before.resident_bytes);
  EXPECT_GE(growth, static_cast<double>(size) * 0.9);
  EXPECT_LE(growth, static_cast<double>(size) * (under_sanitizer ? 8 : 1.1));  // and its shadow
}

TEST(ProcessMeter, CountsPageFaultsOfChildrenThatHaveEnded) {
  constexpr std::size_t pages = 1000;
  const Readings child = readings_around([] {
    const pid_t grandchild = fork_bound();
    if (grandchild == 0) {
      use_memory(pages * 4096);
      ::_exit(0);
    }
    ::waitpid(grandchild, nullptr, 0);
  });
  const std::uint64_t faults = child.after.page_faults - child.before.page_faults;
  EXPECT_GE(faults, pages);
  EXPECT_LE(faults, pages * (under_sanitizer ? 20 : 2));  // forking copies some
}

TEST(ProcessMeter, CountsContextSwitches) {
  constexpr std::uint64_t sleeps = 300;
  const Readings child = readings_around([] {
    const timespec moment{.tv_sec = 0, .tv_nsec = 50'000};
    for (std::uint64_t i = 0; i < sleeps; ++i) ::nanosleep(&moment, nullptr);
  });
  const std::uint64_t switches = child.after.voluntary_switches - child.before.voluntary_switches;
  EXPECT_GE(switches, sleeps);
  EXPECT_LE(switches, sleeps + 50);
  EXPECT_EQ(child.brief.voluntary_switches, 0U);
  EXPECT_EQ(child.brief.threads, threads_from_the_start);
}

TEST(ProcessMeter, TellsHowLongThreadsWaitForTheirCpu) {
  const std::vector<int> all = usable_cpus();
  run_on_cpus({all.back()});
  const Child child([](const Child::Line& line) {
    const pid_t rival = fork_bound();
    burn_cpu(milliseconds(100));
    if (rival == 0) ::_exit(0);
    ::waitpid(rival, nullptr, 0);
    line.tell(*thread_run_queue_delay(::getpid()));
    line.await();
  });
  run_on_cpus(all);
  const nanoseconds own = child.await();
  const auto reading = read_process_tree(child.pid()).value();
  // Two that share a CPU wait for each other for as long as both compute.
  EXPECT_GE(reading.run_queue_delay, milliseconds(30));
  EXPECT_GE(reading.run_queue_delay, own);
  EXPECT_GT(reading.involuntary_switches, 0U);
  EXPECT_THAT(reading.cpus, ElementsAre(all.back()));
}

TEST(ProcessMeter, KnowsWhichCpusMayBeUsed) {
  EXPECT_EQ(read_process_tree(::getpid()).value().cpus, usable_cpus());
}

TEST(ProcessMeter, HasNothingToSayOfAProcessThatHasEnded) {
  Child child([](const Child::Line&) {});
  const pid_t pid = child.pid();
  child.await_end();
  EXPECT_FALSE(read_process_tree(pid).has_value());
  child.reap();
  EXPECT_FALSE(read_process_tree(pid).has_value());
  EXPECT_THAT(process_tree(pid), IsEmpty());
  EXPECT_FALSE(thread_run_queue_delay(pid).has_value());
}

TEST(ProcessMeter, KnowsTheKernelsOwnMemory) {
  EXPECT_GT(kernel_memory_bytes().value_or(0), std::uint64_t{1} << 20);
}

TEST(StealShare, ReadsTheCpusAskedFor) {
  const std::vector<int> cpus = usable_cpus();
  const std::vector<CpuShares> before = read_steal(cpus);
  ASSERT_THAT(before, SizeIs(cpus.size()));
  EXPECT_EQ(before.front().cpu, cpus.front());
  EXPECT_THAT(read_steal({cpus.back()}), SizeIs(1));
  EXPECT_THAT(read_steal({}), IsEmpty());
  EXPECT_TRUE(eventually(
      patience, [&] { return read_steal(cpus).front().total_ticks > before.front().total_ticks; }));
  EXPECT_EQ(steal_share(before, before), 0);
}

TEST(StealShare, IsThatOfTheTimeBetween) {
  const std::vector<CpuShares> before{{0, 5, 100}, {1, 50, 200}, {2, 0, 0}};
  const std::vector<CpuShares> after{{0, 15, 200}, {1, 50, 300}, {3, 9, 9}};
  EXPECT_DOUBLE_EQ(steal_share(before, after), 0.05);
}

// Ticks in which this CPU had nothing to run (proc(5), the fourth figure of its line in
// /proc/stat).
std::uint64_t idle_ticks(int cpu) {
  std::ifstream file("/proc/stat");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    std::uint64_t user = 0;
    std::uint64_t nice = 0;
    std::uint64_t system = 0;
    std::uint64_t idle = 0;
    words >> name >> user >> nice >> system >> idle;
    if (name == "cpu" + std::to_string(cpu)) return idle;
  }
  throw std::runtime_error("no such CPU");
}

TEST(KeepAwake, LeavesACpuNoIdleTime) {
  const int cpu = usable_cpus().back();
  std::uint64_t idle = 0;
  const auto begin = std::chrono::steady_clock::now();
  {
    const KeepAwake awake({cpu});
    // Its thread takes a moment to start; from then on not a tick is idle.
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    idle = idle_ticks(cpu);
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
    idle = idle_ticks(cpu) - idle;
  }
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK)) * 0.4;
  EXPECT_LT(static_cast<double>(idle), ticks / 4);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, patience);  // it ends when it is told to
}

// How many threads of this process have idle priority, which is what makes them give way.
std::size_t idle_priority_threads() {
  std::size_t count = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    const int thread = std::stoi(task.path().filename().string());
    if (::sched_getscheduler(thread) == SCHED_IDLE) ++count;
  }
  return count;
}

TEST(KeepAwake, GivesWayToOthers) {
  EXPECT_EQ(idle_priority_threads(), 0U);
  {
    const KeepAwake awake(usable_cpus());
    EXPECT_TRUE(
        eventually(patience, [] { return idle_priority_threads() == usable_cpus().size(); }));
  }
  EXPECT_EQ(idle_priority_threads(), 0U);
}

}  // namespace
}  // namespace echomux
