#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>

namespace echomux {

// What the kernel tells of another process, from /proc (proc(5)) and prlimit(2). All of these throw
// std::runtime_error or std::system_error when there is no such process (any more).

// How many descriptors it has open. (Of this process itself, it includes one to ask with.)
[[nodiscard]] std::size_t open_descriptors(pid_t pid);

// How many more it can open while numbers below `limit` are to be had. Numbers above, which it may
// have from its parent, are of no account.
[[nodiscard]] std::size_t free_descriptors(pid_t pid, rlim_t limit);

// The number that its next descriptor would get. A limit of that many open files means that it can
// open no more, even if the numbers in use have gaps.
[[nodiscard]] rlim_t lowest_free_descriptor(pid_t pid);

// Memory in bytes: what is resident (VmRSS), and all of its address space (VmSize).
[[nodiscard]] std::uint64_t resident_memory(pid_t pid);
[[nodiscard]] std::uint64_t address_space(pid_t pid);

// How long each of its threads has waited for a CPU so far, by the thread's number; none where the
// kernel doesn't tell (CONFIG_SCHED_INFO).
[[nodiscard]] std::map<int, std::chrono::nanoseconds> waits_for_cpu(pid_t pid);

// Whether all of its threads are stopped, as they are some time after SIGSTOP.
[[nodiscard]] bool is_stopped(pid_t pid);

// Sets the soft limit of a running process, keeps the hard one, and returns the soft one it had.
rlim_t set_soft_limit(pid_t pid, __rlimit_resource resource, rlim_t limit);

// Asks again and again until `condition` holds or `limit` is over, and returns whether it holds.
[[nodiscard]] bool eventually(std::chrono::milliseconds limit,
                              const std::function<bool()>& condition);

}  // namespace echomux
