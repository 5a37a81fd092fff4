#include "harness/machine/keep_awake.hpp"

#include <stop_token>

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

}  // namespace

KeepAwake::KeepAwake(const std::vector<int>& cpus) {
  for (const int cpu : cpus) {
    threads_.emplace_back([cpu](const std::stop_token& stop) { spin(cpu, stop); });
  }
}

}  // namespace echomux
