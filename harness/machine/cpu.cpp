#include "harness/machine/cpu.hpp"

#include <sched.h>
#include <time.h>

#include <exception>

#include "echo/system_call.hpp"

namespace echomux {

std::vector<int> usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  check(::sched_getaffinity(0, sizeof set, &set), "sched_getaffinity");
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(static_cast<unsigned>(cpu), &set)) cpus.push_back(cpu);
  }
  return cpus;
}

void run_on_cpus(const std::vector<int>& cpus) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int cpu : cpus) CPU_SET(static_cast<unsigned>(cpu), &set);
  check(::sched_setaffinity(0, sizeof set, &set), "sched_setaffinity");
}

OnCpu::OnCpu(std::optional<int> cpu) : before_(usable_cpus()) {
  if (cpu) run_on_cpus({*cpu});
}

OnCpu::~OnCpu() {
  try {
    run_on_cpus(before_);
  } catch (const std::exception&) {
    // They can have been taken away meanwhile: then the thread keeps the one that it has, and
    // whoever plans with its CPUs next says that it couldn't pin.
  }
}

std::chrono::nanoseconds thread_cpu_time() {
  timespec time{};
  check(::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time), "clock_gettime");
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace echomux
