#pragma once

#include <chrono>
#include <optional>
#include <vector>

namespace echomux {

// The CPUs that this process may run on (sched_getaffinity(2)), in ascending order.
[[nodiscard]] std::vector<int> usable_cpus();

// Lets the calling thread, and threads and processes it starts later, run on these CPUs only.
// Throws std::system_error.
void run_on_cpus(const std::vector<int>& cpus);

// Lets the calling thread run on one CPU alone while this lives, and then on all that it had
// before. Without a CPU it changes nothing. To be destroyed by the same thread. Throws
// std::system_error.
class OnCpu {
 public:
  explicit OnCpu(std::optional<int> cpu);
  ~OnCpu();
  OnCpu(const OnCpu&) = delete;
  OnCpu& operator=(const OnCpu&) = delete;

 private:
  std::vector<int> before_;
};

// The CPU time that the calling thread has used so far, in user and kernel mode.
[[nodiscard]] std::chrono::nanoseconds thread_cpu_time();

}  // namespace echomux
