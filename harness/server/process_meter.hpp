#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace echomux {

// What a server's processes have used, from /proc (proc(5)) and clock_getcpuclockid(3).

// All that a process and its descendants have used until now. Differences between two readings say
// what happened in between.
struct ProcessReading {
  // CPU time in user and kernel mode: of each living process to the nanosecond, all its threads
  // included, ended ones too, plus what its ended children used, to the clock tick. Of a thread
  // that is running at this moment, the kernel knows the time up to its last timer interrupt.
  std::chrono::nanoseconds cpu{};
  // The same in clock ticks (sysconf(_SC_CLK_TCK) of them are a second), in user and kernel mode.
  std::uint64_t user_ticks = 0;
  std::uint64_t system_ticks = 0;
  // How often its threads have left a CPU, of their own accord and not. A thread that has ended is
  // lost to these two and to run_queue_delay, which may therefore shrink from reading to reading.
  std::uint64_t voluntary_switches = 0;
  std::uint64_t involuntary_switches = 0;
  // How long its threads have been ready to run and waited for a CPU. 0 where the kernel doesn't
  // keep /proc/PID/schedstat.
  std::chrono::nanoseconds run_queue_delay{};
  std::uint64_t resident_bytes = 0;  // a page that two processes share counts twice
  std::uint64_t threads = 0;
  std::size_t processes = 0;
  std::vector<int> cpus;  // those that any of its threads may run on, in ascending order
};

// How much of it to read. Without the threads' own figures, the context switches and the run queue
// delay stay 0, and `cpus` are those of each process's main thread. That takes some 10 us for each
// process; with them it is some 20 us for each thread.
enum class Detail { cpu_only, everything };

// Reads what `root` and its living descendants have used so far. None once root has ended, waited
// for or not. A process whose parent has ended belongs to the tree no more; what it uses is lost,
// and so is what a child used that was never waited for (SIGCHLD ignored). A child that ends during
// the reading may be missing in this one, but is never counted twice.
[[nodiscard]] std::optional<ProcessReading> read_process_tree(pid_t root,
                                                              Detail detail = Detail::everything);

// `root` and its living descendants, parents before their children. Empty once root has ended.
[[nodiscard]] std::vector<pid_t> process_tree(pid_t root);

// The memory that the kernel uses for its own objects, sockets and epoll entries among them: of the
// whole system. Throws std::runtime_error when the kernel doesn't tell.
[[nodiscard]] std::uint64_t kernel_slab_bytes();

}  // namespace echomux
