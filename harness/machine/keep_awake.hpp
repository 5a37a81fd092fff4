#pragma once

#include <filesystem>
#include <string>
#include <thread>
#include <vector>

namespace echomux {

// Keeps CPUs from going to sleep while it lives: on each spins a thread of idle priority
// (SCHED_IDLE, sched(7)), which gives way at once to any other. A CPU that sleeps between two
// requests takes its time to wake up, above all a virtual one, which has to be put back on a real
// one: how long that takes changes from one minute to the next, and hides what the servers differ
// by. A server that never sleeps loses about 0.3 % of its CPU to such a thread, in slices of a few
// milliseconds: it needs none. Where it would do harm it does nothing: see below.
class KeepAwake {
 public:
  // Keeps `cpus` awake, of those that something is measured on.
  KeepAwake(const std::vector<int>& cpus, const std::vector<int>& measured);
  explicit KeepAwake(const std::vector<int>& cpus) : KeepAwake(cpus, cpus) {}

 private:
  std::vector<std::jthread> threads_;  // one for each CPU; stopped and joined at the end
};

// Why these CPUs, on which something is measured, can't be kept awake without harm; empty where
// they can. The kernel may refuse the idle priority. Of two CPUs that are threads of one core, each
// slows the other down when it spins. And under a quota of CPU time the spinning would use that up.
// `root` is another
// place for /, for tests.
[[nodiscard]] std::string why_not_kept_awake(const std::vector<int>& cpus,
                                             const std::filesystem::path& root = "/");

}  // namespace echomux
