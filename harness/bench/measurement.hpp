#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>

#include "harness/load/swarm.hpp"
#include "harness/server/process_meter.hpp"
#include "harness/server/server_process.hpp"

namespace echomux {

// What a load on a server came to, and what it cost the server.
struct Measurement {
  SwarmResult result;
  // None when no request was answered in the measured time, or who listens isn't the server itself.
  std::optional<ServerCost> cost;
  bool outlived_load = true;  // the server still ran when its connections were to be closed

  // The cost. Throws std::runtime_error unless the load was completed and there is one.
  [[nodiscard]] const ServerCost& complete_cost() const;
};

// A load on a server that runs, put on in slices, so that several servers can be compared in turn:
// while it rests, its connections stay open. Everything in the suite is measured by this. At both
// edges of a slice's window the clocks are read innermost. To report its counters costs the server
// CPU time, so they are asked for before the first clock is read, and after the last. Memory is
// read before the first connection, and when all are open: of the kernel's, it counts what happens
// on the whole machine in between. For the thread that started the server.
class StandingLoad {
 public:
  // Idle connections apart are held by a process of their own, since one process may have only so
  // many descriptors; else they are this process's. `server` must outlive it.
  enum class Idle : std::uint8_t { here, apart };
  explicit StandingLoad(ServerProcess& server, const Load& load, Idle idle = Idle::here,
                        std::stop_token stop = {});
  ~StandingLoad();
  StandingLoad(const StandingLoad&) = delete;
  StandingLoad& operator=(const StandingLoad&) = delete;

  // Opens all connections. Throws what run_swarm() throws, and std::runtime_error when the kernel
  // doesn't tell its memory.
  void open();
  // False once the load has ended early: see close().
  [[nodiscard]] bool going_on() const noexcept;

  struct Slice {
    std::uint64_t requests = 0;            // that were answered in the window
    std::chrono::nanoseconds time{0};      // between the readings at its edges
    std::chrono::nanoseconds cpu_time{0};  // of the server's processes, in that time
    bool drained = true;                   // all that was due was answered
    bool lost_at_rest = false;             // connections had been closed since the last slice
  };
  // Loads the server for so long, of which the warm-up comes first and isn't measured. The readings
  // at its begin are to be over by then: so it is longer where the server has many threads, whose
  // clocks take some ms to read.
  Slice load(std::chrono::nanoseconds warmup, std::chrono::nanoseconds duration);
  // The same, of which nothing is measured.
  void warm_up(std::chrono::nanoseconds duration);
  // The same, but what is counted is the server's system calls for each request; none when no
  // request was answered. Throws std::runtime_error when they can't be counted here.
  [[nodiscard]] std::optional<double> count_system_calls(std::chrono::nanoseconds warmup,
                                                         std::chrono::nanoseconds duration);

  // Closes all connections, and returns what all slices came to. Call it once.
  [[nodiscard]] Measurement close();

 private:
  class Parts;
  std::unique_ptr<Parts> parts_;
};

// Puts the whole load on in one slice.
[[nodiscard]] Measurement measure(ServerProcess& server, const Load& load,
                                  const std::stop_token& stop = {});
// The same with a fresh server, which is stopped again.
[[nodiscard]] Measurement measure(const ServerCommand& command, const Load& load);

}  // namespace echomux
