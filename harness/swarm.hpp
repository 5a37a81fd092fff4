#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>

#include "echo/socket.hpp"
#include "harness/latency_histogram.hpp"

namespace echomux {

// What a client swarm does to a server.
struct SwarmOptions {
  Endpoint server;
  std::size_t idle_connections = 0;    // opened, confirmed by one echo each, then silent
  std::size_t active_connections = 1;  // exchange messages, each with one outstanding at most
  std::size_t message_bytes = 64;
  // In all, over the active connections: message k is due at start + k / rate, whatever the server
  // does (open loop). Zero: each connection sends as soon as its echo is back (closed loop).
  double requests_per_second = 0;
  std::chrono::nanoseconds warmup = std::chrono::milliseconds(200);
  std::chrono::nanoseconds duration = std::chrono::seconds(1);
  // With no progress for this long the server counts as starving its peers.
  std::chrono::nanoseconds stall_limit = std::chrono::seconds(2);
  // Called, in the calling thread, when the measured window begins and ends, to read the server's
  // clocks and counters there.
  std::function<void()> on_window_begin = [] {};
  std::function<void()> on_window_end = [] {};
};

// How a swarm's run ended.
enum class SwarmEnd : std::uint8_t {
  completed,
  starved,      // no progress for stall_limit
  refused,      // the server ended a connection before it had confirmed it
  server_gone,  // every active connection was ended by the server
  corrupted,    // something else came back than was sent
  interrupted,  // the stop token was asked to stop
};

// What it saw.
struct SwarmResult {
  SwarmEnd end = SwarmEnd::completed;
  std::string corruption;  // what came back wrong, with connection and offset
  std::size_t idle_confirmed = 0;
  std::size_t active_confirmed = 0;
  std::size_t connections_lost = 0;       // confirmed, and then ended by the server
  std::chrono::nanoseconds open_time{0};  // from the first connect to the last confirmation

  // The window is followed by a short wait for what was due in it; on_window_end comes after that.
  // Server clocks and counters read in the two callbacks therefore belong to `measured_requests`
  // and `measured_time`.
  std::uint64_t window_requests = 0;    // echoed completely within the window
  std::uint64_t measured_requests = 0;  // the same, between the callbacks
  std::chrono::nanoseconds measured_time{0};
  std::chrono::nanoseconds client_cpu{0};  // used by the swarm itself in that time
  // Due within the window and still without an answer when the wait was over. They are in the
  // histograms with the time they had waited by then.
  std::uint64_t requests_unanswered = 0;
  LatencyHistogram latency;              // from the time a message was due
  LatencyHistogram latency_uncorrected;  // from the time it was really sent
};

// Opens all connections, runs the load from the calling thread, and checks every byte that comes
// back, in order, per connection. The connections are reset at the end, so that none stays behind
// in TIME_WAIT. Throws std::runtime_error, with a sentence for the user, when descriptors or source
// ports run out or the server refuses connections altogether.
[[nodiscard]] SwarmResult run_swarm(const SwarmOptions& options, std::stop_token stop = {});

}  // namespace echomux
