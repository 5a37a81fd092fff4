#include "harness/system_call_meter.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <linux/perf_event.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <system_error>

#include "echo/system_call.hpp"

namespace echomux {
namespace {

// The tracepoint's number on this kernel, or why it isn't known.
struct Tracepoint {
  std::optional<std::uint64_t> id;
  std::string problem;
};

// Reads the number from a tracefs of our own that is mounted nowhere (fsopen(2)), and so changes
// nothing for anybody: it needs root, but not that somebody has mounted one.
std::optional<std::uint64_t> id_from_detached_tracefs() {
  constexpr unsigned command_create = 6;  // FSCONFIG_CMD_CREATE; its header clashes with glibc's
  const FileDescriptor context(static_cast<int>(::syscall(SYS_fsopen, "tracefs", 1U)));
  if (!context ||
      ::syscall(SYS_fsconfig, context.get(), command_create, nullptr, nullptr, 0) != 0) {
    return std::nullopt;
  }
  const FileDescriptor root(static_cast<int>(::syscall(SYS_fsmount, context.get(), 1U, 0U)));
  const FileDescriptor file(
      ::openat(root.get(), "events/raw_syscalls/sys_enter/id", O_RDONLY | O_CLOEXEC));
  std::array<char, 24> text{};
  if (!root || !file || ::read(file.get(), text.data(), text.size() - 1) <= 0) return std::nullopt;
  return std::strtoull(text.data(), nullptr, 10);
}

Tracepoint find_tracepoint() {
  static const std::optional<std::uint64_t> detached = id_from_detached_tracefs();
  if (detached) return {detached, {}};
  int error = ENOENT;
  for (const char* directory : {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}) {
    const std::string path = fmt::format("{}/events/raw_syscalls/sys_enter/id", directory);
    std::ifstream file(path);
    std::uint64_t id = 0;
    if (file >> id) return {id, {}};
    if (::access(path.c_str(), R_OK) != 0 && errno != ENOENT) error = errno;
  }
  if (error != ENOENT) {
    return {std::nullopt,
            fmt::format("system calls can't be counted: the kernel's tracepoints can't be read "
                        "({}); run this as root",
                        error_text(error))};
  }
  return {std::nullopt,
          "system calls can't be counted: the kernel's tracepoints are not to be found; run "
          "'mount -t tracefs tracefs /sys/kernel/tracing' as root (if that fails, or doesn't help, "
          "the kernel was built without CONFIG_FTRACE_SYSCALLS)"};
}

// A counter of what this thread, and all that it starts, will do on any CPU; empty with errno set
// when there can be none. 0 is the calling thread.
FileDescriptor open_counter(std::uint64_t tracepoint, pid_t thread) {
  perf_event_attr attributes{};
  attributes.type = PERF_TYPE_TRACEPOINT;
  attributes.size = sizeof attributes;
  attributes.config = tracepoint;
  attributes.inherit = 1;
  constexpr int any_cpu = -1;
  constexpr int no_group = -1;
  return FileDescriptor(static_cast<int>(::syscall(SYS_perf_event_open, &attributes, thread,
                                                   any_cpu, no_group, PERF_FLAG_FD_CLOEXEC)));
}

std::string refusal(int error) {
  if (error == EACCES || error == EPERM) {
    return "system calls can't be counted: the kernel doesn't permit it; run this as root or with "
           "CAP_PERFMON, or run 'sysctl kernel.perf_event_paranoid=-1' as root";
  }
  return fmt::format("system calls can't be counted: perf_event_open: {}{}", error_text(error),
                     error == EMFILE ? "; raise the limit of open descriptors with ulimit -n" : "");
}

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
  const Tracepoint tracepoint = find_tracepoint();
  if (!tracepoint.id) throw std::runtime_error(tracepoint.problem);
  // All threads are listed before the first gets its counter: one started later by a counted thread
  // has inherited its counter, and a second one would count everything twice.
  std::vector<pid_t> threads;
  for (const pid_t process : processes) entries(fmt::format("/proc/{}/task", process), &threads);
  check_room_for(threads.size());
  counters_.reserve(threads.size());
  for (const pid_t thread : threads) {
    FileDescriptor counter = open_counter(*tracepoint.id, thread);
    if (counter) {
      counters_.push_back(std::move(counter));
    } else if (errno != ESRCH) {  // which means that it has ended
      throw std::runtime_error(refusal(errno));
    }
  }
}

std::optional<std::string> SystemCallMeter::unavailable() {
  const Tracepoint tracepoint = find_tracepoint();
  if (!tracepoint.id) return tracepoint.problem;
  if (!open_counter(*tracepoint.id, 0)) return refusal(errno);
  return std::nullopt;
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
