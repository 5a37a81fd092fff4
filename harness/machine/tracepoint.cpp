#include "harness/machine/tracepoint.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "echo/system_call.hpp"

namespace echomux {
namespace {

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

std::string refusal(int error) {
  if ((error == EACCES || error == EPERM) && ::geteuid() == 0) {
    return "system calls can't be counted: the kernel refuses perf_event_open to this root, which "
           "isn't that of the machine or has a filter; in docker these permit it: --cap-add "
           "PERFMON "
           "--security-opt seccomp=unconfined";
  }
  if (error == EACCES || error == EPERM) {
    return "system calls can't be counted: the kernel doesn't permit it; run this as root or with "
           "CAP_PERFMON, or run 'sysctl kernel.perf_event_paranoid=-1' as root";
  }
  return fmt::format("system calls can't be counted: perf_event_open: {}{}", error_text(error),
                     error == EMFILE ? "; raise the limit of open descriptors with ulimit -n" : "");
}

}  // namespace

std::uint64_t system_call_tracepoint() {
  static const std::optional<std::uint64_t> detached = id_from_detached_tracefs();
  if (detached) return *detached;
  int error = ENOENT;
  for (const char* directory : {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}) {
    const std::string path = fmt::format("{}/events/raw_syscalls/sys_enter/id", directory);
    std::ifstream file(path);
    std::uint64_t id = 0;
    if (file >> id) return id;
    if (::access(path.c_str(), R_OK) != 0 && errno != ENOENT) error = errno;
  }
  if (error != ENOENT) {
    throw std::runtime_error(
        fmt::format("system calls can't be counted: the kernel's tracepoints can't be read "
                    "({}); run this as root",
                    error_text(error)));
  }
  throw std::runtime_error(
      "system calls can't be counted: the kernel's tracepoints are not to be found; run "
      "'mount -t tracefs tracefs /sys/kernel/tracing' as root (if that fails, or doesn't help, "
      "the kernel was built without CONFIG_FTRACE_SYSCALLS)");
}

FileDescriptor open_system_call_counter(std::uint64_t tracepoint, pid_t thread) {
  perf_event_attr attributes{};
  attributes.type = PERF_TYPE_TRACEPOINT;
  attributes.size = sizeof attributes;
  attributes.config = tracepoint;
  attributes.inherit = 1;
  constexpr int any_cpu = -1;
  constexpr int no_group = -1;
  FileDescriptor counter(static_cast<int>(::syscall(SYS_perf_event_open, &attributes, thread,
                                                    any_cpu, no_group, PERF_FLAG_FD_CLOEXEC)));
  if (!counter && errno != ESRCH) throw std::runtime_error(refusal(errno));
  return counter;
}

bool is_tracepoint_known() {
  try {
    static_cast<void>(system_call_tracepoint());
    return true;
  } catch (const std::runtime_error&) {
    return false;
  }
}

std::optional<std::string> system_calls_uncountable() {
  try {
    static_cast<void>(open_system_call_counter(system_call_tracepoint(), 0));
    return std::nullopt;
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

}  // namespace echomux
