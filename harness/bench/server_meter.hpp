#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/bench/workers.hpp"
#include "harness/load/swarm.hpp"
#include "harness/machine/taken_time.hpp"
#include "harness/server/process_meter.hpp"
#include "harness/server/server_process.hpp"

namespace echomux {

// Reads what there is to know of a server: before the load, when its connections are open, and at
// both edges of each window. All windows are added up. For the thread that started the server.
class ServerMeter {
 public:
  // Reads its memory, and the kernel's. `server` must outlive it.
  explicit ServerMeter(ServerProcess& server) : server_(server), empty_(read_memory()) {}

  void connections_open();
  void window_begin();
  void window_end();

  // The CPU time of its processes in the last window.
  [[nodiscard]] std::chrono::nanoseconds cpu_time() const {
    return end_.processes.cpu - begin_.processes.cpu;
  }
  // Of all windows.
  [[nodiscard]] ServerCost cost(const Load& load, const SwarmResult& result) const;

 private:
  // Its clocks and counters at one moment, or the sum of several moments: the difference of two
  // such sums is the sum of what happened in between.
  struct Reading {
    ProcessReading processes;
    std::map<std::string, std::uint64_t> counters;
    WorkerSum workers;
    std::vector<CpuShares> shares;

    void add(const Reading& other);
  };

  // Its memory, and the kernel's, at one moment.
  struct Memory {
    std::uint64_t resident = 0;
    std::optional<std::uint64_t> kernel;  // none where it doesn't tell
    std::uint64_t threads = 0;
    std::uint64_t processes = 0;
  };

  [[nodiscard]] Memory read_memory() const;
  void read_counters(Reading& reading) const;
  void read_clocks(Reading& reading) const;
  void divide_memory(ServerCost& cost, std::size_t connections) const;

  ServerProcess& server_;
  Detail detail_ = Detail::everything;
  Memory empty_;
  Memory open_;
  Reading begin_;  // of the last window
  Reading end_;
  Reading begin_sum_;  // of all windows
  Reading end_sum_;
};

}  // namespace echomux
