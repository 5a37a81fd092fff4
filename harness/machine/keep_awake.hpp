#pragma once

#include <thread>
#include <vector>

namespace echomux {

// Keeps CPUs from going to sleep while it lives: on each spins a thread of idle priority
// (SCHED_IDLE, sched(7)), which gives way at once to any other. A CPU that sleeps between two
// requests takes its time to wake up, above all a virtual one, which has to be put back on a real
// one: how long that takes changes from one minute to the next, and hides what the servers differ
// by. A server that never sleeps loses about 0.3 % of its CPU to such a thread, in slices of a few
// milliseconds: it needs none.
class KeepAwake {
 public:
  explicit KeepAwake(const std::vector<int>& cpus);

 private:
  std::vector<std::jthread> threads_;  // one for each CPU; stopped and joined at the end
};

}  // namespace echomux
