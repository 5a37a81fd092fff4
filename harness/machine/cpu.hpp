#pragma once

#include <sched.h>
#include <sys/types.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace echomux {

// The CPUs that a thread may run on (sched_getaffinity(2)), in ascending order; 0 is the calling
// one. Empty once it has ended.
[[nodiscard]] std::vector<int> usable_cpus(pid_t thread = 0);

// A set of CPUs as sched_setaffinity(2) takes it, of any number below 8192: one cpu_set_t has room
// for 1024. May be used between fork and exec.
class CpuMask {
 public:
  // A number that there is no room for is left out.
  void add(int cpu) noexcept;
  [[nodiscard]] bool has(int cpu) const noexcept;
  // Lets the calling thread run on these alone. False with errno where it can't.
  [[nodiscard]] bool apply() const noexcept;
  // Those that a thread may run on. False with errno where that can't be told.
  [[nodiscard]] bool read(pid_t thread = 0) noexcept;

  static constexpr int most = 8192;

 private:
  std::array<cpu_set_t, most / CPU_SETSIZE> sets_{};
};

// Whether the calling thread may choose on which CPUs it runs: a filter may refuse
// sched_setaffinity(2). Asked by choosing those that it has.
[[nodiscard]] bool may_choose_cpus();

// A CPU for a client and one for its server.
struct TwoCpus {
  int client = 0;
  int server = 0;
  std::string remark = {};  // ", two of the faster cores", where cores differ in speed; else empty

  friend bool operator==(const TwoCpus&, const TwoCpus&) = default;
};

// Two of these CPUs, which are two at least: on different cores where there are some, and of the
// fastest that are alike, as in hybrid processors they aren't all. The client gets the first CPU,
// which takes most interrupts. As the kernel has it below `root`, which only tests set.
[[nodiscard]] TwoCpus choose_two(const std::vector<int>& cpus,
                                 const std::filesystem::path& root = "/");

// True when two CPUs are threads of one core, as the kernel has it below `root`, which only tests
// set: what one does takes speed from the other.
[[nodiscard]] bool share_a_core(int one, int other, const std::filesystem::path& root = "/");

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
