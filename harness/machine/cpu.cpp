#include "harness/machine/cpu.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <iterator>
#include <string_view>

#include "echo/system_call.hpp"
#include "harness/machine/proc_file.hpp"

namespace echomux {

namespace {

std::optional<std::chrono::nanoseconds> reading_of(clockid_t clock) {
  timespec time{};
  if (::clock_gettime(clock, &time) != 0) return std::nullopt;
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

// Of a list such as "0-1,4": whether it has this CPU.
bool list_has(std::string_view list, int cpu) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    const std::string_view range = list.substr(0, comma);
    const std::size_t dash = range.find('-');
    const int first = proc::number<int>(range);
    const int last =
        dash == std::string_view::npos ? first : proc::number<int>(range.substr(dash + 1));
    if (first <= cpu && cpu <= last) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

// How fast a CPU's core is beside others; only the order counts. Intel's hybrid processors list the
// slow cores; others tell each CPU's capacity, up to 1024.
unsigned speed_of(int cpu, const std::filesystem::path& root) {
  const std::filesystem::path devices = root / "sys/devices";
  if (const auto slow = proc::read_file((devices / "cpu_atom/cpus").string())) {
    return list_has(*slow, cpu) ? 1 : 2;
  }
  const auto capacity =
      proc::read_file((devices / fmt::format("system/cpu/cpu{}/cpu_capacity", cpu)).string());
  return proc::number<unsigned>(capacity ? *capacity : std::string_view());
}

}  // namespace

void CpuMask::add(int cpu) noexcept {
  if (cpu < 0 || cpu >= most) return;
  const auto number = static_cast<std::size_t>(cpu);
  CPU_SET(number % CPU_SETSIZE, &sets_[number / CPU_SETSIZE]);
}

bool CpuMask::has(int cpu) const noexcept {
  if (cpu < 0 || cpu >= most) return false;
  const auto number = static_cast<std::size_t>(cpu);
  return CPU_ISSET(number % CPU_SETSIZE, &sets_[number / CPU_SETSIZE]);
}

bool CpuMask::apply() const noexcept {
  return ::sched_setaffinity(0, sizeof sets_, sets_.data()) == 0;
}

bool CpuMask::read(pid_t thread) noexcept {
  return ::sched_getaffinity(thread, sizeof sets_, sets_.data()) == 0;
}

std::vector<int> usable_cpus(pid_t thread) {
  CpuMask mask;
  std::vector<int> cpus;
  if (!mask.read(thread)) {
    // Of ourselves the kernel refuses to tell: then we aren't kept from any.
    const long online = thread == 0 ? ::sysconf(_SC_NPROCESSORS_ONLN) : 0;
    for (int cpu = 0; cpu < online; ++cpu) cpus.push_back(cpu);
    return cpus;
  }
  for (int cpu = 0; cpu < CpuMask::most; ++cpu) {
    if (mask.has(cpu)) cpus.push_back(cpu);
  }
  return cpus;
}

bool may_choose_cpus() {
  CpuMask mask;
  return mask.read() && mask.apply();
}

TwoCpus choose_two(const std::vector<int>& cpus, const std::filesystem::path& root) {
  const auto apart = [&](const std::vector<int>& some) -> std::optional<TwoCpus> {
    for (auto other = some.rbegin(); other != some.rend(); ++other) {
      if (*other == some.front() || share_a_core(some.front(), *other, root)) continue;
      return TwoCpus{some.front(), *other};
    }
    return std::nullopt;
  };
  std::vector<int> rest = cpus;
  unsigned fastest = 0;
  while (!rest.empty()) {
    unsigned most = 0;
    for (const int cpu : rest) most = std::max(most, speed_of(cpu, root));
    fastest = std::max(fastest, most);
    std::vector<int> alike;
    std::ranges::copy_if(rest, std::back_inserter(alike),
                         [&](int cpu) { return speed_of(cpu, root) == most; });
    if (auto two = apart(alike)) {
      if (alike.size() < cpus.size()) {
        two->remark = most == fastest ? ", two of the faster cores" : ", two of the slower cores";
      }
      return *two;
    }
    std::erase_if(rest, [&](int cpu) { return speed_of(cpu, root) == most; });
  }
  TwoCpus two = apart(cpus).value_or(TwoCpus{cpus.front(), cpus.back()});
  if (speed_of(two.client, root) != speed_of(two.server, root)) {
    two.remark = ", whose cores differ in speed";
  }
  return two;
}

bool share_a_core(int one, int other, const std::filesystem::path& root) {
  const auto siblings = proc::read_file(
      (root / fmt::format("sys/devices/system/cpu/cpu{}/topology/thread_siblings_list", one))
          .string());
  return siblings && list_has(*siblings, other);
}

void run_on_cpus(const std::vector<int>& cpus) {
  CpuMask mask;
  for (const int cpu : cpus) mask.add(cpu);
  if (!mask.apply()) throw_errno("sched_setaffinity");
}

OnCpu::OnCpu(std::optional<int> cpu) : before_(usable_cpus()) {
  if (cpu) run_on_cpus({*cpu});
}

OnCpu::~OnCpu() {
  try {
    run_on_cpus(before_);
  } catch (const std::exception&) {
    // They can have been taken away meanwhile: then the thread keeps the one that it has, and
    // the next to plan with its CPUs says that it couldn't pin.
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
