#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "harness/server_process.hpp"

namespace echomux {

// A server that takes part in a sweep, and what the harness must know of its limits.
struct SweepServer {
  std::string name;
  ServerCommand command;  // its `cpu` is set by the sweep
  std::optional<std::size_t> max_connections;
  bool never_sleeps = false;
};

// What a sweep measures: every server beside every number of idle connections.
struct SweepOptions {
  std::vector<SweepServer> servers;
  std::vector<std::size_t> idle_connections;
  std::size_t active_connections = 10;
  std::size_t message_bytes = 64;
  double requests_per_second = 1000;  // in all; zero: closed loop
  std::chrono::nanoseconds warmup = std::chrono::milliseconds(200);
  std::chrono::nanoseconds duration = std::chrono::seconds(1);
  bool pin = true;  // server and client on one CPU each, where there are two
};

// How a trial went.
enum class TrialOutcome : std::uint8_t {
  measured,
  starved,       // the server left peers without an answer
  over_limit,    // more connections than the server can serve by its nature
  not_possible,  // this machine's limits don't allow it
  failed,        // the server broke: it ended, lost connections or returned wrong bytes
  interrupted,
};
[[nodiscard]] std::string_view to_string(TrialOutcome outcome) noexcept;

// One server beside one number of idle connections. Figures are there when it was measured.
struct Trial {
  std::string server;
  std::size_t idle_connections = 0;
  std::size_t active_connections = 0;
  TrialOutcome outcome = TrialOutcome::measured;
  std::string note;        // what the table says beside the figures, or in their place
  bool saturated = false;  // its CPU was at least 95 % busy

  double open_ms = 0;  // to open and confirm all connections
  double offered_rps = 0;
  double achieved_rps = 0;
  std::uint64_t requests = 0;  // that the server's cost is divided by
  std::uint64_t requests_unanswered = 0;
  std::size_t connections_lost = 0;
  struct Latency {
    double p50 = 0, p90 = 0, p99 = 0, p99_9 = 0, max = 0, mean = 0;
  };
  Latency latency_us;              // from when each message was due
  Latency latency_uncorrected_us;  // from when it was really sent
  double server_cpu_us_per_request = 0;
  double server_cpu_busy_share = 0;  // of one CPU; above one when several were used
  double client_cpu_us_per_request = 0;
  double client_cpu_busy_share = 0;
  // What the server counted in the measured time; empty when it doesn't report it.
  std::map<std::string, std::uint64_t> counters;

  // By its counters; none when it doesn't report any.
  [[nodiscard]] std::optional<double> scanned_per_request() const;
  [[nodiscard]] std::optional<double> system_calls_per_request() const;
};

// Which CPUs a sweep uses; none when it doesn't pin.
struct CpuPlan {
  std::optional<int> server;
  std::optional<int> client;
  std::string explanation;  // one sentence for the user
};
[[nodiscard]] CpuPlan plan_cpus(bool pin);

// Raises this process's limit of open descriptors (and so that of the servers it starts) as far as
// it is allowed to, and returns it.
std::uint64_t raise_descriptor_limit();

// Runs all trials, one after the other, each with a fresh server. Calls `before` with each trial's
// server and idle connections filled in, and `after` when it is done. Stops early when asked to.
// Pins the calling thread if the options say so. A server that fails is a trial that says so; only
// what makes every trial impossible is thrown, as std::exception.
struct SweepObserver {
  std::function<void(const Trial&)> before = [](const Trial&) {};
  std::function<void(const Trial&)> after = [](const Trial&) {};
};
void run_sweep(const SweepOptions& options, const SweepObserver& observer,
               const std::stop_token& stop);

}  // namespace echomux
