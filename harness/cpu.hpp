#pragma once

#include <chrono>
#include <vector>

namespace echomux {

// The CPUs that this process may run on (sched_getaffinity(2)), in ascending order.
[[nodiscard]] std::vector<int> usable_cpus();

// Lets the calling thread, and threads and processes it starts later, run on these CPUs only.
// Throws std::system_error.
void run_on_cpus(const std::vector<int>& cpus);

// The CPU time that the calling thread has used so far, in user and kernel mode.
[[nodiscard]] std::chrono::nanoseconds thread_cpu_time();

}  // namespace echomux
