#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

// The time that others took: other threads of this machine, and its hypervisor.
namespace echomux {

// How long this thread of any process has been ready to run and waited for a CPU. None when there
// is no such thread or the kernel doesn't tell.
[[nodiscard]] std::optional<std::chrono::nanoseconds> thread_run_queue_delay(pid_t tid);
// How long it has run on a CPU. It may be a thread of another process. Of a thread that runs now,
// the kernel knows the time up to its last timer interrupt. From the same file.
[[nodiscard]] std::optional<std::chrono::nanoseconds> thread_cpu_time_of(pid_t tid);

// Clock ticks of one CPU since the system started: all, and those in which the hypervisor ran
// something else although there was work to do.
struct CpuShares {
  int cpu = 0;
  std::uint64_t steal_ticks = 0;
  std::uint64_t total_ticks = 0;
};

// Reads these from /proc/stat, for those of `cpus` that are online, in ascending order.
[[nodiscard]] std::vector<CpuShares> read_steal(const std::vector<int>& cpus);

// Adds a reading to a sum of readings, CPU by CPU; an empty sum becomes the reading. The difference
// of two such sums is the sum of the times in between. A CPU that is missing in either is left out.
void add_shares(std::vector<CpuShares>& sum, const std::vector<CpuShares>& reading);

// The share of the time between two readings, over all CPUs that both have, that the hypervisor
// took: 0 to 1. 0 when no tick has passed.
[[nodiscard]] double steal_share(const std::vector<CpuShares>& before,
                                 const std::vector<CpuShares>& after);

}  // namespace echomux
