#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <thread>
#include <vector>

namespace echomux {

// The CPUs that a thread may run on (sched_getaffinity(2)), in ascending order; 0 is the calling
// one. Empty once it has ended.
[[nodiscard]] std::vector<int> usable_cpus(pid_t thread = 0);

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

// What the clock of a process or a thread shows: the CPU time that it has used so far, in user and
// kernel mode (clock_getcpuclockid(3), pthread_getcpuclockid(3)). None once it has ended.
[[nodiscard]] std::optional<std::chrono::nanoseconds> cpu_time_of(pid_t process);
[[nodiscard]] std::optional<std::chrono::nanoseconds> cpu_time_of(std::jthread& thread);
[[nodiscard]] std::chrono::nanoseconds thread_cpu_time();  // of the calling thread

// Makes the calling thread give way to every other one that isn't idle (SCHED_IDLE, sched(7)): what
// is only there to be in the way, or to keep a CPU awake, must not take it from what is measured.
// False where it isn't allowed.
bool give_way();

}  // namespace echomux
