#include "harness/server/system_call_meter.hpp"

#include <fmt/core.h>
#include <sys/resource.h>
#include <unistd.h>

#include <stdexcept>
#include <system_error>

#include "echo/system_call.hpp"
#include "harness/machine/proc_file.hpp"
#include "harness/machine/tracepoint.hpp"

namespace echomux {
namespace {

// Throws when so many counters would be too many.
void check_room_for(std::size_t threads) {
  if (threads > SystemCallMeter::most_threads) {
    throw std::runtime_error(
        fmt::format("system calls can't be counted: there are {} threads, each of which needs a "
                    "counter; {} is the most",
                    threads, SystemCallMeter::most_threads));
  }
  rlimit limit{};
  check(::getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
  constexpr std::size_t reserve = 16;  // for whatever else this process opens meanwhile
  const std::size_t needed = proc::numbers_in("/proc/self/fd").size() + threads + reserve;
  if (needed > limit.rlim_cur) {
    throw std::runtime_error(
        fmt::format("system calls can't be counted: {} threads need a descriptor each, and this "
                    "process may open {} in all; raise that to {} with ulimit -n",
                    threads, limit.rlim_cur, needed));
  }
}

}  // namespace

SystemCallMeter::SystemCallMeter(const std::vector<pid_t>& processes) {
  const std::uint64_t tracepoint = system_call_tracepoint();
  // All threads are listed before the first gets its counter: one started later by a counted thread
  // has inherited its counter, and a second one would count everything twice.
  std::vector<pid_t> threads;
  for (const pid_t process : processes) {
    const std::vector<pid_t> own = proc::numbers_in(fmt::format("/proc/{}/task", process));
    threads.insert(threads.end(), own.begin(), own.end());
  }
  check_room_for(threads.size());
  counters_.reserve(threads.size());
  for (const pid_t thread : threads) {
    FileDescriptor counter = open_system_call_counter(tracepoint, thread);
    if (counter) counters_.push_back(std::move(counter));
  }
}

std::uint64_t SystemCallMeter::count() const {
  std::uint64_t sum = 0;
  for (const FileDescriptor& counter : counters_) {
    std::uint64_t value = 0;
    const ssize_t size = check(::read(counter.get(), &value, sizeof value), "read a counter");
    if (size != sizeof value) {
      throw std::system_error(EIO, std::generic_category(), "read a counter");
    }
    sum += value;
  }
  return sum;
}

}  // namespace echomux
