#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "harness/load/merged_load.hpp"
#include "harness/load/swarm.hpp"
#include "mpi/world.hpp"

namespace echomux {

// A load that the ranks put on together.
struct JointLoad {
  Endpoint server;
  Load load;                      // the whole; which part of it is whose follows from the ranks
  int first_client = 0;           // the ranks from here on put it on
  std::size_t measure_ranks = 0;  // so many of them measure latencies, the others only load; 0: all
};

// For rank 0 while the load is on, which reads the server's figures.
struct Readings {
  std::function<void()> connections_open = [] {};
  std::function<void()> window_begin = [] {};  // shortly before the window, as Swarm has it
  std::function<void()> window_end = [] {};
  std::function<void(const SwarmProgress&)> progress = nullptr;  // of rank 0's own part
};

// What it came to, at rank 0.
struct JointResult {
  std::string failure = {};  // which host could not load, and why; empty: none
  LoadReport whole = {};
  std::vector<LoadPart> parts = {};
  // Between the readings.
  std::uint64_t measured_requests = 0;
  std::chrono::nanoseconds measured_time{0};
};

// Puts it on: all open their connections, compare their clocks, begin at the same time, and tell
// rank 0 what they saw. Nothing but the load runs from the start to the window's end. Every rank
// calls it, with the same load. Throws Stopped.
[[nodiscard]] JointResult put_on(World& world, const JointLoad& joint, const Readings& readings,
                                 const std::stop_token& stop);

}  // namespace echomux
