#include "harness/server/process_state.hpp"

#include <fmt/core.h>

#include <vector>

#include "harness/machine/proc_file.hpp"

namespace echomux {
namespace {

// What is in a process's memory under this key of /proc/PID/status, in bytes.
std::uint64_t bytes(std::string_view status, std::string_view key) {
  return proc::number(proc::field(status, key).value_or("")) * 1024;
}

}  // namespace

std::optional<ProcessState> read_process_state(pid_t pid) {
  const auto status = proc::read_file(fmt::format("/proc/{}/status", pid));
  const std::vector<int> descriptors = proc::numbers_in(fmt::format("/proc/{}/fd", pid));
  // A zombie still has a status, without any memory.
  if (!status || bytes(*status, "VmRSS") == 0) return std::nullopt;
  return ProcessState{.descriptors = descriptors.size(),
                      .threads = proc::number(proc::field(*status, "Threads").value_or("")),
                      .resident_bytes = bytes(*status, "VmRSS"),
                      .anonymous_bytes = bytes(*status, "RssAnon")};
}

std::optional<std::uint64_t> read_anonymous_memory(pid_t pid) {
  const auto status = proc::read_file(fmt::format("/proc/{}/status", pid));
  if (!status || bytes(*status, "VmRSS") == 0) return std::nullopt;
  return bytes(*status, "RssAnon");
}

}  // namespace echomux
