#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <utility>
#include <vector>

#include "harness/load/latency_histogram.hpp"
#include "harness/load/load.hpp"
#include "harness/load/outcome.hpp"

namespace echomux {

// How far a swarm has come, for a reader who waits.
struct SwarmProgress {
  bool opening = true;               // else the load is on
  std::size_t connections_open = 0;  // opened, and confirmed where that is asked for
  std::size_t connections = 0;       // in all
  std::uint64_t requests = 0;        // answered since the load began
  std::chrono::nanoseconds elapsed{0};
  std::chrono::nanoseconds until_start{0};  // more than zero while it waits for Swarm::await()
};

// What a client swarm does to a server.
struct SwarmOptions {
  Endpoint server;
  Load load;
  // When run_swarm() is to put the load on, so that several clients begin together; none: as soon
  // as all connections are open.
  std::optional<std::chrono::system_clock::time_point> start_at = {};
  // When all connections are open, a further one sends bytes that some servers take for something
  // else: see echo_probe.hpp.
  bool probe = false;
  // Called in the calling thread: when all connections are open; when the measured window begins
  // and when it ends, to read the server's clocks and counters there; and every so often.
  std::function<void()> on_connections_open = [] {};
  std::function<void()> on_window_begin = [] {};
  std::function<void()> on_window_end = [] {};
  // How long before a window, at most, on_window_begin is called: it shall be over by then.
  std::chrono::nanoseconds reading_time = std::chrono::milliseconds(10);
  std::function<void(const SwarmProgress&)> on_progress = nullptr;  // may be empty
};

// What the machine kept from the swarm's own threads in the measured time: a tail that comes from
// here isn't the server's. Times are sums over the threads.
struct ClientDelays {
  std::chrono::nanoseconds run_queue{0};    // ready to run, but another thread had the CPU
  std::chrono::nanoseconds gaps{0};         // in gaps of its loop, of at least a millisecond each
  std::chrono::nanoseconds longest_gap{0};  // of any length
  // The longest time for which no thread of the client ran although it should have, as when it was
  // stopped; and that in which the machine was asleep, which its clocks leave out.
  std::chrono::nanoseconds stood_still{0};
  std::chrono::nanoseconds asleep{0};
  // The whole control group was stopped for having used up its CPU quota, servers in it too.
  std::chrono::nanoseconds throttled{0};
  double steal_share = 0;  // of the time of the CPUs that it may use, taken by the hypervisor
  std::vector<std::pair<int, double>> steal_share_by_cpu;  // the same of each of these CPUs
};

// What it saw.
struct SwarmResult {
  static constexpr std::size_t most_parts = 20;

  RunOutcome outcome;  // says what came back wrong, with connection and offset; why it was refused
  std::size_t idle_confirmed = 0;
  std::size_t idle_held = 0;  // still open at the end
  std::size_t active_confirmed = 0;
  std::size_t connections_lost = 0;       // confirmed, and then ended by the server
  std::chrono::nanoseconds open_time{0};  // from the first connect to the last confirmation

  // Of all slices together: on_window_begin comes some ms before each window, so that what it reads
  // costs the load nothing,
  // and on_window_end when the window is over. Server clocks and counters read in the two belong to
  // `measured_requests` and `measured_time`. A short wait for what was due in the window follows;
  // if nothing was answered before, on_window_end comes after it.
  std::size_t windows = 0;
  // By the system's clock, when the first window began; and the longest time by which a slice with
  // a start of its own began later than that.
  std::chrono::system_clock::time_point window_began;
  std::chrono::nanoseconds started_late{0};
  std::chrono::nanoseconds window_time{0};  // less than asked for when the run ended early
  std::uint64_t window_requests = 0;        // echoed completely within the window
  std::uint64_t measured_requests = 0;      // the same, between the callbacks
  std::chrono::nanoseconds measured_time{0};
  std::chrono::nanoseconds client_cpu{0};  // used by the swarm's threads in that time
  double busiest_thread_share = 0;         // of one CPU, by the busiest of them
  ClientDelays delays;
  // Due within the window and still without an answer when the wait was over. They are in the
  // histograms with the time they had waited by then.
  std::uint64_t requests_unanswered = 0;
  std::uint64_t requests_timed_out = 0;  // answered after the timeout
  std::size_t partly_answered = 0;       // connections where a part of an echo never came
  std::string altered;                   // what became of the bytes of the probe, if not the same
  bool probe_unanswered = false;         // nothing came back in time
  LatencyHistogram latency;              // from the time a message was due
  LatencyHistogram latency_uncorrected;  // from the time it was really sent
  // How late a message was sent whose connection was free when it was due: the client's own fault.
  LatencyHistogram schedule_lag;
  // The geometric mean of the latency, in nanoseconds, of what was due in each part of the measured
  // time, in order; zero where nothing was. Shows drift. The parts are twentieths of a window, or
  // of all windows together where there are more; of few windows, each is a part, since what
  // disturbs one disturbs most of it.
  std::vector<double> latency_by_part;
};

// What one slice of a load came to: what was answered between the callbacks at its two edges.
struct SwarmSlice {
  std::uint64_t requests = 0;
  std::chrono::nanoseconds time{0};
  bool drained = true;        // everything that was due was answered, soon after the slice at least
  bool lost_at_rest = false;  // connections had been closed since the last slice
};

// A swarm whose connections stay open while it rests: it loads its server in slices, so that
// several servers can be loaded in turn. It checks every byte that comes back, in order, per
// connection. To be used by one thread; the load comes from threads of its own.
class Swarm {
 public:
  // `options` must outlive it.
  explicit Swarm(const SwarmOptions& options, std::stop_token stop = {});
  // Ends whatever it does.
  ~Swarm();
  Swarm(const Swarm&) = delete;
  Swarm& operator=(const Swarm&) = delete;

  // Opens all connections. What run_swarm() throws, close() throws.
  void open();
  // Throws that already.
  void check() const;
  // False before open(), and once the run has ended early, since the server failed or a stop was
  // requested: nothing is sent any more.
  [[nodiscard]] bool going_on() const noexcept;
  // Waits until then, and tells what the steady clock says at that moment, for load(). Returns
  // early when a stop is requested.
  [[nodiscard]] std::chrono::steady_clock::time_point await(
      std::chrono::system_clock::time_point moment);
  // Loads the server for so long, of which the warm-up comes first and isn't measured, and returns
  // when everything that was due is answered, or a second later. The times of `options.load` are
  // those of all slices together. Connections that the server has closed since the last slice are
  // lost; when all are, the run ends. Of a slice that isn't counted, nothing is in the result. With
  // a `start` that is still to come, it waits for that moment first.
  SwarmSlice load(std::chrono::nanoseconds warmup, std::chrono::nanoseconds duration,
                  bool counted = true,
                  std::optional<std::chrono::steady_clock::time_point> start = std::nullopt);
  // Closes all connections, and returns what it saw in all slices. Call it once.
  [[nodiscard]] SwarmResult close();

 private:
  class Crew;
  std::unique_ptr<Crew> crew_;
};

// Opens all connections, puts the whole load on in one slice, and closes them with a reset, so that
// none stays behind in TIME_WAIT. Throws std::runtime_error, with a sentence for the user, when
// descriptors, source ports or threads run out.
[[nodiscard]] SwarmResult run_swarm(const SwarmOptions& options, std::stop_token stop = {});

}  // namespace echomux
