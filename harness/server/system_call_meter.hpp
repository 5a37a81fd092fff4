#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "echo/file_descriptor.hpp"

namespace echomux {

// Counts the system calls of processes from outside and without stopping them, by the kernel's
// tracepoint raw_syscalls:sys_enter (perf_event_open(2)). Each call that is entered counts, a
// restarted one again. Counting costs the processes measured a little time at each call: don't
// measure CPU time and latency in the same trial. Not for sharing between threads.
class SystemCallMeter {
 public:
  // Each thread that exists takes one descriptor.
  static constexpr std::size_t most_threads = 4096;

  // Counts from now on what all threads of these processes do, and all threads and processes that
  // they start later. A thread started during the construction may be missed, so construct it while
  // the processes start none. Throws std::runtime_error, with a sentence for the user, when
  // counting isn't possible, when there are more than most_threads threads, or more than this
  // process has descriptors left.
  explicit SystemCallMeter(const std::vector<pid_t>& processes);

  // How many there have been, including those of threads that have ended. Throws std::system_error.
  [[nodiscard]] std::uint64_t count() const;

  // How many threads it has put a counter on.
  [[nodiscard]] std::size_t threads() const noexcept { return counters_.size(); }

 private:
  std::vector<FileDescriptor> counters_;
};

}  // namespace echomux
