#pragma once

#include <optional>
#include <stop_token>

#include "harness/load/swarm.hpp"
#include "harness/server/process_meter.hpp"
#include "harness/server/server_process.hpp"

namespace echomux {

// What a load on a server came to, and what it cost the server.
struct Measurement {
  SwarmResult result;
  std::optional<ServerCost> cost;  // none when no request was answered in the measured time

  // The cost. Throws std::runtime_error unless the load was completed and there is one.
  [[nodiscard]] const ServerCost& complete_cost() const;
};

// Puts the load on a server that runs. Everything in the suite is measured by this. At both edges
// of the measured time the clocks are read innermost. To report its counters costs the server CPU
// time, so they are asked for before the first clock is read, and after the last. Memory is read
// before the first connection, and when all are open. Throws what run_swarm() throws, and
// std::runtime_error when the kernel doesn't tell its memory.
[[nodiscard]] Measurement measure(ServerProcess& server, const Load& load,
                                  const std::stop_token& stop = {});
// The same with a fresh server, which is stopped again.
[[nodiscard]] Measurement measure(const ServerCommand& command, const Load& load);

}  // namespace echomux
