#include "harness/server/system_call_meter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <latch>
#include <stdexcept>
#include <thread>

#include "harness/machine/tracepoint.hpp"
#include "harness/server/process_meter.hpp"
#include "tests/support/child.hpp"
#include "tests/support/complaint.hpp"
#include "tests/support/process_info.hpp"
#include "tests/support/sanitizers.hpp"

namespace echomux {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

// What a child does besides: speak through its pipes, start threads and processes, end them.
constexpr std::uint64_t few = under_sanitizer ? 2000 : 200;

void call_kernel(int times) {
  for (int i = 0; i < times; ++i) ::syscall(SYS_getppid);
}

class SystemCalls : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto reason = system_calls_uncountable()) GTEST_SKIP() << *reason;
  }
};

TEST_F(SystemCalls, AreCountedExactly) {
  const Child child([](const Child::Line& line) {
    for (;;) {
      line.tell();
      line.await();
      call_kernel(12'345);
    }
  });
  child.await();
  const SystemCallMeter meter({child.pid()});
  EXPECT_EQ(meter.threads(), threads_from_the_start);
  std::uint64_t before = meter.count();
  for (int round = 0; round < 3; ++round) {
    child.go_on();
    child.await();
    EXPECT_TRUE(eventually(patience, [&] { return meter.count() >= before + 12'345; }));
    const std::uint64_t after = meter.count();
    // And a write, a read, and the read before, if that was still on its way.
    EXPECT_LE(after, before + 12'345 + (under_sanitizer ? few : 3));
    before = after;
  }
}

TEST_F(SystemCalls, OfThreadsAndProcessesStartedLaterCountToo) {
  const Child child([](const Child::Line& line) {
    line.tell();
    line.await();
    std::thread([] { call_kernel(2000); }).join();
    const pid_t grandchild = fork_bound();
    if (grandchild == 0) {
      call_kernel(3000);
      ::_exit(0);
    }
    ::waitpid(grandchild, nullptr, 0);
    line.tell();
    line.await();
  });
  child.await();
  const SystemCallMeter meter({child.pid()});
  child.go_on();
  child.await();
  EXPECT_GE(meter.count(), 5000U);
  EXPECT_LE(meter.count(), 5000 + few);
}

TEST_F(SystemCalls, OfAllThreadsAndProcessesThatExistCount) {
  const Child child([](const Child::Line& line) {
    std::latch begin(1);
    std::thread thread([&begin] {
      begin.wait();
      call_kernel(2000);
    });
    const pid_t grandchild = fork_bound();
    if (grandchild == 0) {
      line.await();
      call_kernel(3000);
      ::_exit(0);
    }
    line.tell();
    ::waitpid(grandchild, nullptr, 0);
    begin.count_down();
    thread.join();
    line.tell();
    line.await();
  });
  child.await();
  const SystemCallMeter meter(process_tree(child.pid()));
  // A process forked by one with several threads mostly gets none from the thread sanitizer.
  EXPECT_GE(meter.threads(), threads_from_the_start + 2);
  EXPECT_LE(meter.threads(), threads_from_the_start + 2 + (under_thread_sanitizer ? 1 : 0));
  child.go_on();
  child.await();
  EXPECT_GE(meter.count(), 5000U);
  EXPECT_LE(meter.count(), 5000 + few);
}

TEST_F(SystemCalls, AreRefusedWhereDescriptorsAreTooFew) {
  const rlim_t before = set_soft_limit(::getpid(), RLIMIT_NOFILE, open_descriptors(::getpid()) + 8);
  EXPECT_THAT(complaint([] { SystemCallMeter({::getpid()}); }), HasSubstr("ulimit -n"));
  set_soft_limit(::getpid(), RLIMIT_NOFILE, before);
}

TEST(SystemCallMeter, SaysWhatToDoWhereItCannotCount) {
  const auto reason = system_calls_uncountable();
  if (!reason) GTEST_SKIP() << "it can";
  EXPECT_THAT(*reason, HasSubstr("system calls can't be counted: "));
  EXPECT_THAT(*reason, AnyOf(HasSubstr("as root"), HasSubstr("perf_event_open")));
  EXPECT_THROW(SystemCallMeter({::getpid()}), std::runtime_error);
}

}  // namespace
}  // namespace echomux
