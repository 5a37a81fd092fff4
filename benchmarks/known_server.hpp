#pragma once

#include <algorithm>
#include <chrono>

#include "harness/load/load_report.hpp"
#include "harness/server/process_meter.hpp"
#include "harness/server/server_process.hpp"

namespace echomux {

// What a load on a server comes to, and the CPU time that it cost the server's processes. Used
// where the harness is held against servers whose figures are known.
struct KnownServerLoad {
  LoadReport report;
  double cpu_us_per_request = 0;
};

// Puts the load on a fresh server. `load.server` is filled in.
inline KnownServerLoad measure_known_server(const ServerCommand& command, SwarmOptions load) {
  const ServerProcess server(command);
  load.server = server.endpoint();
  std::chrono::nanoseconds begin{0};
  std::chrono::nanoseconds end{0};
  load.on_window_begin = [&] { begin = read_process_tree(server.pid(), Detail::cpu_only)->cpu; };
  load.on_window_end = [&] { end = read_process_tree(server.pid(), Detail::cpu_only)->cpu; };
  const SwarmResult result = run_swarm(load);
  return {make_load_report(load, result),
          std::chrono::duration<double, std::micro>(end - begin).count() /
              static_cast<double>(std::max<std::uint64_t>(result.measured_requests, 1))};
}

// Ten connections at this many requests per second in all; zero: a closed loop.
inline SwarmOptions known_load(double rate, std::chrono::nanoseconds duration) {
  SwarmOptions load;
  load.active_connections = 10;
  load.requests_per_second = rate;
  load.duration = duration;
  return load;
}

}  // namespace echomux
