#pragma once

#include <algorithm>
#include <chrono>

#include "harness/load/load_report.hpp"
#include "harness/server/process_meter.hpp"
#include "harness/server/server_process.hpp"
#include "harness/text/time_units.hpp"

namespace echomux {

// What a load on a server comes to, and the CPU time that it cost the server's processes. Used
// where the harness is held against servers whose figures are known.
struct KnownServerLoad {
  LoadReport report;
  double cpu_us_per_request = 0;
};

// Puts the load on a fresh server.
inline KnownServerLoad measure_known_server(const ServerCommand& command, const Load& load) {
  const ServerProcess server(command);
  SwarmOptions options{.server = server.endpoint(), .load = load};
  std::chrono::nanoseconds begin{0};
  std::chrono::nanoseconds end{0};
  options.on_window_begin = [&] { begin = read_process_tree(server.pid(), Detail::cpu_only)->cpu; };
  options.on_window_end = [&] { end = read_process_tree(server.pid(), Detail::cpu_only)->cpu; };
  const SwarmResult result = run_swarm(options);
  return {make_load_report(load, result),
          to_us(end - begin) /
              static_cast<double>(std::max<std::uint64_t>(result.measured_requests, 1))};
}

// Ten connections at this many requests per second in all; zero: a closed loop.
inline Load known_load(double rate, std::chrono::nanoseconds duration) {
  Load load;
  load.active_connections = 10;
  load.requests_per_second = rate;
  load.duration = duration;
  return load;
}

}  // namespace echomux
