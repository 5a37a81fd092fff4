#include "harness/load/swarm_reading.hpp"

#include <time.h>

#include <algorithm>

#include "harness/text/time_units.hpp"

namespace echomux {

void SwarmReading::read_clocks() {
  time = std::chrono::steady_clock::now().time_since_epoch();
  timespec since_boot{};
  if (::clock_gettime(CLOCK_BOOTTIME, &since_boot) == 0) {  // with the time asleep
    asleep = std::chrono::seconds(since_boot.tv_sec) +
             std::chrono::nanoseconds(since_boot.tv_nsec) - time;
  }
}

void SwarmReading::add(const SwarmReading& other) {
  time += other.time;
  throttled += other.throttled;
  asleep += other.asleep;
  run_queue += other.run_queue;
  completed += other.completed;
  cpu.resize(other.cpu.size());
  for (std::size_t i = 0; i < cpu.size(); ++i) cpu[i] += other.cpu[i];
  add_shares(shares, other.shares);
}

void measure(const SwarmReading& begin, const SwarmReading& end, SwarmResult& result) {
  result.measured_time = end.time - begin.time;
  result.measured_requests = end.completed - begin.completed;
  result.delays.run_queue = end.run_queue - begin.run_queue;
  result.delays.throttled = end.throttled - begin.throttled;
  result.delays.asleep = end.asleep - begin.asleep;
  result.delays.steal_share = steal_share(begin.shares, end.shares);
  for (std::size_t i = 0; i < begin.shares.size() && i < end.shares.size(); ++i) {
    result.delays.steal_share_by_cpu.emplace_back(end.shares[i].cpu,
                                                  steal_share({begin.shares[i]}, {end.shares[i]}));
  }
  for (std::size_t i = 0; i < begin.cpu.size(); ++i) {
    const std::chrono::nanoseconds used = end.cpu[i] - begin.cpu[i];
    result.client_cpu += used;
    result.busiest_thread_share =
        std::max(result.busiest_thread_share, to_seconds(used) / to_seconds(result.measured_time));
  }
}

}  // namespace echomux
