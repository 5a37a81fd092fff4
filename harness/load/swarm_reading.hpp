#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "harness/load/swarm.hpp"
#include "harness/machine/taken_time.hpp"

namespace echomux {

// The threads' clocks and counters at one moment, or the sum of several moments: the difference
// of two such sums is the sum of what happened in between.
struct SwarmReading {
  std::chrono::nanoseconds time{0};
  std::vector<std::chrono::nanoseconds> cpu;  // of each thread
  std::chrono::nanoseconds run_queue{0};      // of all threads
  std::vector<CpuShares> shares;
  std::chrono::nanoseconds throttled{0};
  std::chrono::nanoseconds asleep{0};
  std::uint64_t completed = 0;

  // The time now, and how much of it the machine has been asleep.
  void read_clocks();
  void add(const SwarmReading& other);
};

// Fills in what the client's threads took, and what was taken from them, between two readings.
void measure(const SwarmReading& begin, const SwarmReading& end, SwarmResult& result);

}  // namespace echomux
