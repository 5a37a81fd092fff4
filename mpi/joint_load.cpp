#include "mpi/joint_load.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <thread>

#include "harness/machine/machine.hpp"
#include "harness/text/field_json.hpp"
#include "harness/text/json.hpp"
#include "harness/text/time_units.hpp"

namespace echomux {
namespace {

using Steady = std::chrono::steady_clock;
using std::chrono::nanoseconds;

// From when the start is told until it comes: every rank has heard of it by then.
constexpr nanoseconds time_to_hear = std::chrono::milliseconds(100);
// How long before the window the server's figures are read, as in Swarm.
constexpr nanoseconds reading_time = std::chrono::milliseconds(10);

// One rank's side of it.
class Rank {
 public:
  Rank(World& world, const JointLoad& joint, const Readings& readings, std::stop_token stop)
      : world_(world), joint_(joint), readings_(readings), stop_(std::move(stop)) {
    options_.server = joint.server;
    options_.load = joint.load;
    options_.reading_time = reading_time;
    options_.on_progress = readings.progress;
    if (is_client()) {
      options_.load.part = {part(), static_cast<std::size_t>(world.size() - joint.first_client)};
    }
  }

  JointResult run() {
    if (!all_open()) return std::move(result_);
    if (world_.rank() == 0) readings_.connections_open();
    agree_on_start();
    if (swarm_) {
      load();
    } else if (world_.rank() == 0) {
      read_at_edges();
    }
    // Also who has nothing to load with, or whose load has ended early, is silent until it is over.
    sleep_until(start_ + joint_.load.warmup + joint_.load.duration);
    collect();
    return std::move(result_);
  }

 private:
  [[nodiscard]] bool is_client() const noexcept { return world_.rank() >= joint_.first_client; }
  [[nodiscard]] std::size_t part() const noexcept {
    return static_cast<std::size_t>(world_.rank() - joint_.first_client);
  }

  // Opens this rank's connections. What throws here is told to rank 0, which ends it for all.
  bool all_open() {
    std::string failure;
    try {
      if (is_client() && options_.load.own_idle() + options_.load.own_active() > 0) {
        swarm_ = std::make_unique<Swarm>(options_, stop_);
        swarm_->open();
        swarm_->check();
      }
    } catch (const std::exception& error) {
      failure = fmt::format("{}: {}", host_name(), error.what());
    }
    for (std::string& one : world_.gather(failure)) {
      if (result_.failure.empty()) result_.failure = std::move(one);
    }
    result_.failure = world_.broadcast(result_.failure);
    return result_.failure.empty();
  }

  // By rank 0's clock, of which each rank knows by how much its own is ahead.
  void agree_on_start() {
    const std::vector<World::Clock> clocks = world_.compare_clocks();
    Json told{{"start_ns", (Steady::now() + time_to_hear).time_since_epoch().count()},
              {"ahead_ns", Json::array()},
              {"uncertainty_ns", Json::array()}};
    for (const World::Clock& clock : clocks) {
      told["ahead_ns"].push_back(clock.ahead.count());
      told["uncertainty_ns"].push_back(clock.uncertainty.count());
    }
    const Json heard = Json::parse(world_.broadcast(told.dump()));
    const auto rank = static_cast<std::size_t>(world_.rank());
    start_ = Steady::time_point(nanoseconds(heard.at("start_ns").get<std::int64_t>() +
                                            heard.at("ahead_ns").at(rank).get<std::int64_t>()));
    uncertainty_ = nanoseconds(heard.at("uncertainty_ns").at(rank).get<std::int64_t>());
  }

  void load() {
    if (world_.rank() == 0) {
      options_.on_window_begin = readings_.window_begin;
      options_.on_window_end = readings_.window_end;
    }
    if (swarm_->going_on()) {
      const Load& load = joint_.load;
      const SwarmSlice slice = swarm_->load(load.warmup, load.duration, true, start_);
      measured_requests_ = slice.requests;
      result_.measured_time = slice.time;
    }
  }

  // At the same moments as the clients.
  void read_at_edges() {
    const Steady::time_point window = start_ + joint_.load.warmup;
    sleep_until(window - std::min(reading_time, joint_.load.warmup / 2));
    readings_.window_begin();
    const Steady::time_point begin = Steady::now();
    sleep_until(window + joint_.load.duration);
    result_.measured_time = Steady::now() - begin;
    readings_.window_end();
  }

  void sleep_until(Steady::time_point moment) const {
    constexpr nanoseconds look = std::chrono::milliseconds(20);
    while (!stop_.stop_requested() && Steady::now() < moment) {
      std::this_thread::sleep_until(std::min(moment, Steady::now() + look));
    }
  }

  // What this rank saw, put together at rank 0.
  void collect() {
    std::string own;
    if (is_client()) {
      SwarmResult seen;
      std::string failure;
      try {
        if (swarm_) seen = swarm_->close();
      } catch (const std::exception& error) {
        // The others wait for this rank's word.
        failure = fmt::format("{}: {}", host_name(), error.what());
      }
      LoadPart part{.host = host_name(),
                    .part = options_.load.part,
                    .measures = joint_.measure_ranks == 0 || this->part() < joint_.measure_ranks,
                    .load = make_load_report(options_.load, seen)};
      own = Json{{"failure", failure},
                 {"part", json_of(part)},
                 {"measured_requests", measured_requests_},
                 {"late_ns", seen.started_late.count()},
                 {"uncertainty_ns", uncertainty_.count()}}
                .dump();
    }
    nanoseconds first = nanoseconds::max();
    nanoseconds last = nanoseconds(0);
    std::vector<nanoseconds> uncertainties{nanoseconds(0), nanoseconds(0)};
    for (const std::string& text : world_.gather(own)) {
      if (text.empty()) continue;
      const Json json = Json::parse(text);
      if (result_.failure.empty()) result_.failure = json.at("failure").get<std::string>();
      LoadPart& part = result_.parts.emplace_back();
      read_json(json.at("part"), part);
      part.load.outcome.end(part.load.outcome.reason);
      result_.measured_requests += json.at("measured_requests").get<std::uint64_t>();
      const nanoseconds late(json.at("late_ns").get<std::int64_t>());
      first = std::min(first, late);
      last = std::max(last, late);
      uncertainties.emplace_back(json.at("uncertainty_ns").get<std::int64_t>());
    }
    if (world_.rank() != 0) return;
    // Two ranks may differ by what isn't known of both.
    std::ranges::sort(uncertainties, std::greater{});
    result_.whole = merged(result_.parts);
    // What is known of the clocks here is better than what they say.
    result_.whole.window_skew_ms =
        result_.parts.empty() ? 0
                              : to_us(last - first + uncertainties[0] + uncertainties[1]) / 1000;
  }

  World& world_;
  const JointLoad& joint_;
  const Readings& readings_;
  std::stop_token stop_;
  SwarmOptions options_;
  std::unique_ptr<Swarm> swarm_;
  Steady::time_point start_;
  nanoseconds uncertainty_{0};
  std::uint64_t measured_requests_ = 0;
  JointResult result_;
};

}  // namespace

JointResult put_on(World& world, const JointLoad& joint, const Readings& readings,
                   const std::stop_token& stop) {
  return Rank(world, joint, readings, stop).run();
}

}  // namespace echomux
