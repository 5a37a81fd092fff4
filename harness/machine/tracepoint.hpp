#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "echo/file_descriptor.hpp"

// Counting system calls by the kernel's tracepoint raw_syscalls:sys_enter (perf_event_open(2)).
namespace echomux {

// The tracepoint's number on this kernel. Throws std::runtime_error, with a sentence for the user,
// when it can't be found out.
[[nodiscard]] std::uint64_t system_call_tracepoint();

// Whether it can be found out.
[[nodiscard]] bool is_tracepoint_known();

// A counter, to be read with read(2), of the system calls that a thread and all that it starts make
// from now on, on any CPU. 0 is the calling thread. Empty when the thread has ended; throws
// std::runtime_error, with a sentence for the user, when there can be none.
[[nodiscard]] FileDescriptor open_system_call_counter(std::uint64_t tracepoint, pid_t thread);

// Why system calls can't be counted here, and what to do about it; none when they can.
[[nodiscard]] std::optional<std::string> system_calls_uncountable();

}  // namespace echomux
