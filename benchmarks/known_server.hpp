#pragma once

#include <chrono>

#include "harness/bench/measurement.hpp"
#include "harness/load/load_report.hpp"

namespace echomux {

// What a load on a server comes to, and the CPU time that it cost the server's processes. Used
// where the harness is held against servers whose figures are known.
struct KnownServerLoad {
  LoadReport report;
  double cpu_us_per_request = 0;
  double server_run_queue_share = 0;  // of the time, ready to run and without a CPU
};

// Puts the load on a fresh server.
inline KnownServerLoad measure_known_server(const ServerCommand& command, const Load& load) {
  const Measurement measured = measure(command, load);
  if (!measured.cost) return {.report = make_load_report(load, measured.result)};
  return {make_load_report(load, measured.result), measured.cost->cpu_us_per_request,
          measured.cost->run_queue_share.value_or(0)};
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
