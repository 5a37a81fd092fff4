#include "harness/bench/measurement.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <stdexcept>

#include "harness/bench/idle_holder.hpp"
#include "harness/bench/server_meter.hpp"
#include "harness/server/system_call_meter.hpp"

namespace echomux {
const ServerCost& Measurement::complete_cost() const {
  if (result.outcome.reason == RunEnd::completed && cost) return *cost;
  throw std::runtime_error(fmt::format(
      "the load was not completed ({}): {} connections were confirmed",
      result.outcome.sentence.empty() ? to_string(result.outcome.reason) : result.outcome.sentence,
      result.idle_confirmed + result.active_confirmed));
}

// A server that doesn't answer for its counters must not hold up each slice for seconds.
constexpr std::chrono::milliseconds longest_reading{100};

class StandingLoad::Parts {
 public:
  Parts(ServerProcess& server, const Load& load, Idle idle, std::stop_token stop)
      : server_(server),
        load_(load),
        stop_(std::move(stop)),
        meter_(server),
        options_{.server = server.endpoint(),
                 .load = load,
                 .probe = server.may_alter_bytes() && load.payload == Payload::text} {
    if (idle == Idle::apart && load.idle_connections > 0) {
      options_.load.idle_connections = 0;
      holder_.emplace(server.endpoint(), load);
    }
    options_.on_connections_open = [this] {
      meter_.connections_open();
      const auto before = std::chrono::steady_clock::now();
      meter_.window_begin();
      const auto taken = std::chrono::steady_clock::now() - before;
      options_.reading_time =
          std::clamp<std::chrono::nanoseconds>(2 * taken, options_.reading_time, longest_reading);
    };
    read_server_at_edges();
    swarm_ = std::make_unique<Swarm>(options_, stop_);
  }

  void open() {
    if (holder_ && !holder_->open(stop_)) return;
    swarm_->open();
    open_ = swarm_->going_on();
  }

  [[nodiscard]] bool going_on() const noexcept { return open_ && swarm_->going_on(); }

  Slice load(std::chrono::nanoseconds warmup, std::chrono::nanoseconds duration) {
    const SwarmSlice slice = swarm_->load(std::max(warmup, 2 * options_.reading_time), duration);
    return {slice.requests, slice.time, meter_.cpu_time(), slice.drained, slice.lost_at_rest};
  }

  void warm_up(std::chrono::nanoseconds duration) {
    options_.on_window_begin = options_.on_window_end = [] {};
    swarm_->load(duration, std::chrono::nanoseconds(0), false);
    read_server_at_edges();
  }

  std::optional<double> count_system_calls(std::chrono::nanoseconds warmup,
                                           std::chrono::nanoseconds duration) {
    SystemCallMeter calls(server_.processes());
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    options_.on_window_begin = [&] { begin = calls.count(); };
    options_.on_window_end = [&] { end = calls.count(); };
    const SwarmSlice slice = swarm_->load(warmup, duration, false);
    read_server_at_edges();
    if (slice.requests == 0) return std::nullopt;
    return static_cast<double>(end - begin) / static_cast<double>(slice.requests);
  }

  Measurement close() {
    Measurement measurement;
    // To close connections is to reset them, and a server may well end on that. One that has ended
    // before it has ended its connections first, and the rest of its end may be to come.
    constexpr std::chrono::milliseconds time_to_end{100};
    measurement.outlived_load =
        !server_.ends_within(going_on() ? std::chrono::milliseconds(0) : time_to_end);
    SwarmResult& result = measurement.result;
    // The idle ones first, since it is their end that is looked at.
    const std::optional<LoadReport> closed =
        holder_ ? std::optional(holder_->close()) : std::nullopt;
    result = swarm_->close();
    if (closed) {
      const LoadReport& held = *closed;
      result.idle_confirmed = held.idle_confirmed;
      result.idle_held = held.idle_held;
      result.connections_lost += held.lost;
      if (!open_ && result.outcome.reason == RunEnd::completed) result.outcome = held.outcome;
      if (!open_ && stop_.stop_requested()) result.outcome.end(RunEnd::interrupted);
      result.open_time += std::chrono::nanoseconds(std::llround(held.open_ms * 1e6));
    }
    if (result.measured_requests > 0 && server_.listens_itself()) {
      measurement.cost = meter_.cost(load_, result);
    }
    return measurement;
  }

 private:
  void read_server_at_edges() {
    options_.on_window_begin = [this] { meter_.window_begin(); };
    options_.on_window_end = [this] { meter_.window_end(); };
  }

  ServerProcess& server_;
  Load load_;
  std::stop_token stop_;
  ServerMeter meter_;
  SwarmOptions options_;
  std::optional<IdleHolder> holder_;
  std::unique_ptr<Swarm> swarm_;
  bool open_ = false;
};

StandingLoad::StandingLoad(ServerProcess& server, const Load& load, Idle idle, std::stop_token stop)
    : parts_(std::make_unique<Parts>(server, load, idle, std::move(stop))) {}

StandingLoad::~StandingLoad() = default;

void StandingLoad::open() {
  parts_->open();
}

bool StandingLoad::going_on() const noexcept {
  return parts_->going_on();
}

StandingLoad::Slice StandingLoad::load(std::chrono::nanoseconds warmup,
                                       std::chrono::nanoseconds duration) {
  return parts_->load(warmup, duration);
}

void StandingLoad::warm_up(std::chrono::nanoseconds duration) {
  parts_->warm_up(duration);
}

std::optional<double> StandingLoad::count_system_calls(std::chrono::nanoseconds warmup,
                                                       std::chrono::nanoseconds duration) {
  return parts_->count_system_calls(warmup, duration);
}

Measurement StandingLoad::close() {
  return parts_->close();
}

Measurement measure(ServerProcess& server, const Load& load, const std::stop_token& stop) {
  StandingLoad standing(server, load, StandingLoad::Idle::here, stop);
  standing.open();
  if (standing.going_on()) standing.load(load.warmup, load.duration);
  return standing.close();
}

Measurement measure(const ServerCommand& command, const Load& load) {
  ServerProcess server(command);
  return measure(server, load);
}

}  // namespace echomux
