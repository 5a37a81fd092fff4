#include "harness/server/system_call_meter.hpp"

#include <dirent.h>
#include <fmt/core.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <system_error>

#include "echo/system_call.hpp"
#include "harness/machine/tracepoint.hpp"

namespace echomux {
namespace {

std::size_t entries(const std::string& directory, std::vector<pid_t>* numbers = nullptr) {
  const std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(directory.c_str()), &::closedir);
  std::size_t count = 0;
  while (const dirent* entry = open ? ::readdir(open.get()) : nullptr) {
    if (entry->d_name[0] == '.') continue;
    ++count;
    if (numbers) numbers->push_back(static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10)));
  }
  return count;
}

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
  const std::size_t needed = entries("/proc/self/fd") + threads + reserve;
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
  for (const pid_t process : processes) entries(fmt::format("/proc/{}/task", process), &threads);
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
