#include "harness/server/process_state.hpp"

#include <fmt/core.h>
#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace echomux {
namespace {

// What /proc/PID/status says; zeros for what it doesn't.
ProcessState read_status(pid_t pid) {
  ProcessState state;
  std::ifstream status(fmt::format("/proc/{}/status", pid));
  for (std::string word; status >> word;) {
    std::uint64_t value = 0;
    if (word == "VmRSS:" && status >> value) state.resident_bytes = value * 1024;
    if (word == "RssAnon:" && status >> value) state.anonymous_bytes = value * 1024;
    if (word == "Threads:" && status >> value) state.threads = value;
  }
  return state;
}

}  // namespace

std::optional<ProcessState> read_process_state(pid_t pid) {
  ProcessState state = read_status(pid);
  std::error_code error;
  std::filesystem::directory_iterator entries(fmt::format("/proc/{}/fd", pid), error);
  // A zombie still has a status, without any memory.
  if (error || state.resident_bytes == 0) return std::nullopt;
  state.descriptors = static_cast<std::uint64_t>(
      std::distance(begin(entries), std::filesystem::directory_iterator()));
  return state;
}

std::optional<std::uint64_t> read_anonymous_memory(pid_t pid) {
  const ProcessState state = read_status(pid);
  if (state.resident_bytes == 0) return std::nullopt;
  return state.anonymous_bytes;
}

void give_way() {
  const sched_param none{};
  ::pthread_setschedparam(::pthread_self(), SCHED_IDLE, &none);
}

}  // namespace echomux
