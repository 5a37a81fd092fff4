#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/server/process_meter.hpp"

namespace echomux {

// What one worker of a server has done until now.
struct WorkerReading {
  std::uint64_t accepted = 0;
  std::uint64_t turned_away = 0;
  std::uint64_t closed = 0;
  std::uint64_t bytes_received = 0;
  std::optional<std::chrono::nanoseconds> cpu;  // none where the kernel doesn't keep schedstat
  std::optional<std::uint64_t> switches;        // of both kinds
  std::chrono::nanoseconds when{0};             // steady clock
};

// Of each worker, from what the server counts of it (ServerProcess::counters_by_worker()) and what
// the kernel does of its thread, which may be another process's.
[[nodiscard]] std::vector<WorkerReading> read_workers(
    const std::map<std::string, std::vector<std::uint64_t>>& counters_by_worker);

// Readings of several windows. The connections are those of the last.
struct WorkerSum {
  std::vector<WorkerReading> workers;
  bool whole = true;  // each window has a reading of the same workers

  void add(const std::vector<WorkerReading>& reading);
};

// Shares out what happened between two sums of readings: by bytes, so all messages are of one size.
// Nothing where there are no workers, or not the same ones.
void divide_by_workers(const WorkerSum& begin, const WorkerSum& end, ServerCost& cost);

}  // namespace echomux
