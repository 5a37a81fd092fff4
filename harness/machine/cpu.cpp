#include "harness/machine/cpu.hpp"

#include <pthread.h>
#include <sched.h>
#include <time.h>

#include <array>
#include <exception>

#include "echo/system_call.hpp"

namespace echomux {

namespace {

std::optional<std::chrono::nanoseconds> reading_of(clockid_t clock) {
  timespec time{};
  if (::clock_gettime(clock, &time) != 0) return std::nullopt;
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

// The kernel demands room for all CPUs that it could ever have, which one cpu_set_t may lack.
std::vector<int> usable_cpus(pid_t thread) {
  std::array<cpu_set_t, 8> masks{};
  std::vector<int> cpus;
  if (::sched_getaffinity(thread, sizeof masks, masks.data()) != 0) return cpus;
  for (std::size_t cpu = 0; cpu < masks.size() * CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu % CPU_SETSIZE, &masks.at(cpu / CPU_SETSIZE))) {
      cpus.push_back(static_cast<int>(cpu));
    }
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

std::optional<std::chrono::nanoseconds> cpu_time_of(pid_t process) {
  clockid_t clock{};
  return ::clock_getcpuclockid(process, &clock) == 0 ? reading_of(clock) : std::nullopt;
}

std::optional<std::chrono::nanoseconds> cpu_time_of(std::jthread& thread) {
  clockid_t clock{};
  const int error = ::pthread_getcpuclockid(thread.native_handle(), &clock);
  return error == 0 ? reading_of(clock) : std::nullopt;
}

std::chrono::nanoseconds thread_cpu_time() {
  return reading_of(CLOCK_THREAD_CPUTIME_ID).value();
}

bool give_way() {
  const sched_param none{};
  return ::pthread_setschedparam(::pthread_self(), SCHED_IDLE, &none) == 0;
}

}  // namespace echomux
