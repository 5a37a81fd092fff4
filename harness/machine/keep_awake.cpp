#include "harness/machine/keep_awake.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <stop_token>

#include "harness/machine/cgroup.hpp"
#include "harness/machine/cpu.hpp"

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

}  // namespace

std::string why_not_kept_awake(const std::vector<int>& cpus, const std::filesystem::path& root) {
  if (!idle_priority_is_allowed()) return "the kernel refuses threads of idle priority here";
  if (!may_choose_cpus()) return "threads may not choose their CPUs here";
  if (const auto quota = cpu_quota(root)) {
    return fmt::format("{} allows {:.2f} CPUs, and that would use them up", quota->file,
                       quota->cpus);
  }
  for (const int cpu : cpus) {
    for (const int other : cpus) {
      if (other == cpu || !share_a_core(cpu, other, root)) continue;
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
