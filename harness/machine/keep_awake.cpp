#include "harness/machine/keep_awake.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <stop_token>

#include "harness/machine/cgroup.hpp"
#include "harness/machine/cpu.hpp"
#include "harness/machine/proc_file.hpp"

namespace echomux {
namespace {

void spin(int cpu, const std::stop_token& stop) {
  // Without that priority it would compete with what is to be measured: better none at all.
  if (!give_way()) return;
  try {
    run_on_cpus({cpu});
  } catch (const std::exception&) {
    return;  // the CPU has gone
  }
  while (!stop.stop_requested()) {
  }
}

bool idle_priority_is_allowed() {
  bool allowed = false;
  // A thread of its own, since priority isn't given back.
  std::thread([&] { allowed = give_way(); }).join();
  return allowed;
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

}  // namespace

std::string why_not_kept_awake(const std::vector<int>& cpus, const std::filesystem::path& root) {
  if (!idle_priority_is_allowed()) return "the kernel refuses threads of idle priority here";
  if (const auto quota = cpu_quota(root)) {
    return fmt::format("{} allows {:.2f} CPUs, and that would use them up", quota->file,
                       quota->cpus);
  }
  for (const int cpu : cpus) {
    const auto siblings = proc::read_file(
        (root / fmt::format("sys/devices/system/cpu/cpu{}/topology/thread_siblings_list", cpu))
            .string());
    for (const int other : cpus) {
      if (other == cpu || !siblings || !list_has(*siblings, other)) continue;
      return fmt::format("CPUs {} and {} are threads of one core", cpu, other);
    }
  }
  return "";
}

KeepAwake::KeepAwake(const std::vector<int>& cpus, const std::vector<int>& measured) {
  if (!why_not_kept_awake(measured).empty()) return;
  for (const int cpu : cpus) {
    threads_.emplace_back([cpu](const std::stop_token& stop) { spin(cpu, stop); });
  }
}

}  // namespace echomux
