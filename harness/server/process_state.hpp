#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

namespace echomux {

// What a process has at one moment, from /proc (proc(5)).
struct ProcessState {
  std::uint64_t descriptors = 0;
  std::uint64_t threads = 0;
  std::uint64_t resident_bytes = 0;   // VmRSS: with the pages of its program and libraries
  std::uint64_t anonymous_bytes = 0;  // RssAnon: heap and stacks alone
};

// None once the process has ended. The kernel's own memory, such as that of socket buffers, is no
// part of it.
[[nodiscard]] std::optional<ProcessState> read_process_state(pid_t pid);

// RssAnon alone, which is quicker; none once the process has ended.
[[nodiscard]] std::optional<std::uint64_t> read_anonymous_memory(pid_t pid);

}  // namespace echomux
