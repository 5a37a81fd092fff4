// The figures that were measured with servers and clients: each value is a fresh server process of
// this suite under a load of the swarm's.
#include "reproduce/served.hpp"

#include <fmt/format.h>
#include <sys/select.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "harness/cpu.hpp"
#include "harness/keep_awake.hpp"
#include "harness/process_meter.hpp"
#include "harness/sweep.hpp"
#include "reproduce/cost_model.hpp"

namespace echomux {
namespace {

using Progress = std::function<void(const std::string&)>;

constexpr int rounds = 7;
constexpr std::size_t spare_descriptors = 24;

// What a load cost a server.
struct Served {
  LoadReport report;
  double cpu_us_per_request = 0;
  // Per wait, from the server's counters; zero where it reports none.
  double cpu_us_per_wait = 0;
  double scanned_per_wait = 0;
  double events_per_wait = 0;
};

// The bench that all of these figures share: pinned, kept awake, one server at a time.
class Bench {
 public:
  Bench() : descriptors_(raise_descriptor_limit()), cpus_(plan_cpus(true, true)) {
    if (cpus_.client) run_on_cpus({*cpus_.client});
  }

  // Why this server can't be measured with so many connections; empty: it can.
  [[nodiscard]] std::string not_possible(const std::string& server, std::size_t connections) const {
    if (server == "select" && connections + spare_descriptors > FD_SETSIZE) {
      return fmt::format("select ends at FD_SETSIZE, {}", FD_SETSIZE);
    }
    if (connections + spare_descriptors > descriptors_) {
      return fmt::format("{} connections take more descriptors than the limit of {}", connections,
                         descriptors_);
    }
    return {};
  }

  [[nodiscard]] Served measure(const std::string& server, SwarmOptions load,
                               const std::stop_token& stop) const {
    ServerCommand command;
    const std::string program = std::filesystem::read_symlink("/proc/self/exe");
    const bool unlimited = server == "select (no limit)";
    command.arguments = {program, "serve", unlimited ? "select" : server, "--port", "0"};
    if (unlimited) command.arguments.insert(command.arguments.end(), {"--select-limit", "none"});
    command.speaks_echomux = true;
    command.cpu = cpus_.server;
    ServerProcess process(command);
    load.server = process.endpoint();
    using Counters = std::map<std::string, std::uint64_t>;
    Counters begin;
    Counters end;
    std::chrono::nanoseconds cpu{0};
    const auto clock = [&] {
      const auto reading = read_process_tree(process.pid(), Detail::cpu_only);
      return reading ? reading->cpu : std::chrono::nanoseconds(0);
    };
    load.on_window_begin = [&] {
      begin = process.counters().value_or(Counters{});
      cpu = clock();
    };
    load.on_window_end = [&] {
      cpu = clock() - cpu;
      end = process.counters().value_or(Counters{});
    };
    const KeepAwake awake(server == "busy_poll" && cpus_.client ? std::vector<int>{*cpus_.client}
                                                                : cpus_.usable);
    const SwarmResult result = run_swarm(load, stop);
    Served served;
    served.report = make_load_report(load, result);
    const double cpu_us = std::chrono::duration<double, std::micro>(cpu).count();
    served.cpu_us_per_request =
        cpu_us / static_cast<double>(std::max<std::uint64_t>(result.measured_requests, 1));
    const auto counted = [&](const char* name) {
      return end.contains(name) && begin.contains(name)
                 ? static_cast<double>(end.at(name) - begin.at(name))
                 : 0.0;
    };
    if (const double waits = counted("waits"); waits > 0) {
      served.cpu_us_per_wait = cpu_us / waits;
      served.scanned_per_wait = counted("descriptors_scanned") / waits;
      served.events_per_wait = counted("events") / waits;
    }
    return served;
  }

 private:
  std::uint64_t descriptors_;
  CpuPlan cpus_;
};

SwarmOptions closed_loop(std::size_t idle, std::size_t active, std::size_t bytes) {
  SwarmOptions load;
  load.idle_connections = idle;
  load.active_connections = active;
  load.message_bytes = bytes;
  load.warmup = std::chrono::milliseconds(50);
  load.duration = std::chrono::milliseconds(200);
  return load;
}

// Fills the figure: one value per line, place and round, all lines and places in each round.
// `take` makes the value of a measurement; it is not kept when the load did not complete.
void measure_all(
    Figure& figure, const std::vector<double>& places,
    const std::function<SwarmOptions(double place)>& load_at,
    const std::function<double(const std::string& line, double place, const Served&)>& take,
    const Progress& progress, const std::stop_token& stop) {
  const Bench bench;
  for (int round = 0; round < rounds; ++round) {
    for (const double place : places) {
      for (const std::string& line : figure.lines) {
        if (stop.stop_requested()) return;
        MeasuredLine& measured = figure.measured[line];
        if (measured.not_possible.contains(place)) continue;
        SwarmOptions load = load_at(place);
        load.timeout = std::chrono::milliseconds(500);
        const std::string why =
            bench.not_possible(line, load.idle_connections + load.active_connections);
        if (!why.empty()) {
          measured.not_possible[place] = why;
          continue;
        }
        progress(
            fmt::format("{}: round {} of {}, {} at {}", figure.id, round + 1, rounds, line, place));
        const Served served = bench.measure(line, load, stop);
        if (served.report.end == SwarmEnd::starved) {
          measured.not_possible[place] = "starved";
        } else if (served.report.end == SwarmEnd::completed && served.report.requests > 0) {
          measured.rounds[place].push_back(take(line, place, served));
        }
      }
    }
  }
}

double achieved_rps(const std::string& /*line*/, double /*place*/, const Served& served) {
  return served.report.achieved_rps;
}

// A shape of which the source gives only the direction.
Shape expect_ratio(const Figure& figure, const std::string& one, const std::string& other,
                   double at, double low, double high, const std::string& claim) {
  Shape shape = compare_ratio(figure, one, other, at);
  shape.what = fmt::format("{} / {} at {}: {}", one, other, at, claim);
  if (!shape.measured) return shape;
  const bool holds = shape.measured->median >= low && shape.measured->median <= high;
  shape.verdict = holds ? ShapeVerdict::reproduced : ShapeVerdict::differs;
  shape.how = holds ? "" : fmt::format("it is {:.3g} here", shape.measured->median);
  return shape;
}

}  // namespace

Figure make_gammo_idle(const Progress& progress, const std::stop_token& stop) {
  Figure figure;
  figure.id = "gammo-idle";
  figure.title = "throughput of a saturated server without and with 10,000 idle connections";
  figure.source =
      "Gammo, Brecht, Shukla, Pariag, Comparing and Evaluating epoll, select, and poll (OLS 2004), "
      "figures 3 and 5";
  figure.method = "a web server under more and more requests; its reply rate";
  figure.differs =
      "an echo server, 50 connections that ask again as soon as they are answered; select without "
      "its limit, as theirs was; the source's curves are compared by what it says of them";
  figure.axis = "idle";
  figure.published_unit = "not given as numbers";
  figure.measured_unit = "requests per second";
  figure.lines = {"epoll_lt", "epoll_et", "poll", "select (no limit)"};
  measure_all(
      figure, {0, 10000},
      [](double idle) { return closed_loop(static_cast<std::size_t>(idle), 50, 64); }, achieved_rps,
      progress, stop);
  for (const char* const line : {"poll", "select (no limit)"}) {
    figure.shapes.push_back(
        expect_ratio(figure, line, "epoll_lt", 0, 0.8, 1.25, "matches without idle connections"));
    figure.shapes.push_back(
        expect_ratio(figure, line, "epoll_lt", 10000, 0, 0.5, "far behind with idle connections"));
  }
  figure.shapes.push_back(expect_ratio(figure, "epoll_et", "epoll_lt", 10000, 0.8, 1.25,
                                       "edge triggering helps only slightly"));
  return figure;
}

Figure make_xserver_noop(const Progress& progress, const std::stop_token& stop) {
  Figure figure;
  figure.id = "xserver-noop";
  figure.title = "operations per second of one synchronous client beside idle ones";
  figure.source = "x11perf -noop -sync, xorg-devel (2016)";
  figure.method = "one client waits for each answer before it asks again";
  figure.differs = "an echo of 32 bytes instead of an X request and its reply";
  figure.axis = "idle";
  figure.published_unit = figure.measured_unit = "operations per second";
  figure.lines = {"epoll_lt", "poll", "select"};
  figure.published = {{"epoll_lt", {{1, 140e3}, {505, 140e3}, {2047, 140e3}}},
                      {"poll", {{1, 140e3}, {505, 12e3}, {2047, 2e3}}},
                      {"select", {{1, 140e3}, {505, 12e3}}}};
  measure_all(
      figure, {1, 505, 2047},
      [](double idle) { return closed_loop(static_cast<std::size_t>(idle), 1, 32); }, achieved_rps,
      progress, stop);
  for (const std::string& line : figure.lines) figure.shapes.push_back(compare_slope(figure, line));
  for (const double idle : {1.0, 505.0, 2047.0}) {
    figure.shapes.push_back(compare_ratio(figure, "epoll_lt", "poll", idle));
    figure.shapes.push_back(compare_ratio(figure, "epoll_lt", "select", idle));
  }
  return figure;
}

Figure make_all_active(const Progress& progress, const std::stop_token& stop) {
  Figure figure;
  figure.id = "all-active";
  figure.title = "echoes per second when every client is active";
  figure.source = "Robert-ML, linux-modern-io-multiplexing";
  figure.method = "128-byte echoes, every client asks again as soon as it is answered";
  figure.axis = "clients";
  figure.published_unit = figure.measured_unit = "echoes per second";
  figure.lines = {"poll", "epoll_et"};
  figure.published = {{"poll", {{1, 55084}, {100, 136424}, {10000, 105368}}},
                      {"epoll_et", {{1, 54490}, {100, 134480}, {10000, 102192}}}};
  measure_all(
      figure, {1, 100, 10000},
      [](double clients) {
        SwarmOptions load = closed_loop(0, static_cast<std::size_t>(clients), 128);
        // With 10,000 clients a round through all of them takes a while.
        load.duration = std::chrono::milliseconds(clients > 1000 ? 600 : 200);
        return load;
      },
      achieved_rps, progress, stop);
  for (const double clients : {1.0, 100.0, 10000.0}) {
    figure.shapes.push_back(compare_ratio(figure, "poll", "epoll_et", clients));
  }
  return figure;
}

Figure make_idle_sweep(const Progress& progress, const std::stop_token& stop) {
  Figure figure;
  figure.id = "idle-sweep";
  figure.title = "service demand of all seven servers beside idle connections";
  figure.source = "this suite's own";
  figure.method = "10 active connections, 500 requests per second in all, open loop";
  figure.axis = "idle";
  figure.published_unit = "-";
  figure.measured_unit = "us of CPU per request";
  figure.lines = {"blocking", "threaded", "busy_poll", "select", "poll", "epoll_lt", "epoll_et"};
  Figure latency = figure;
  measure_all(
      figure, {1, 10, 100, 1000, 10000},
      [](double idle) {
        SwarmOptions load = closed_loop(static_cast<std::size_t>(idle), 10, 64);
        load.requests_per_second = 500;
        load.duration = std::chrono::milliseconds(400);
        return load;
      },
      [&](const std::string& line, double place, const Served& served) {
        latency.measured[line].rounds[place].push_back(served.report.latency_us.p99);
        return served.cpu_us_per_request;
      },
      progress, stop);
  for (const auto& [line, measured] : latency.measured) {
    for (const auto& [place, values] : measured.rounds) {
      const MedianInterval p99 = median_interval(values);
      figure.notes.push_back(fmt::format(
          "p99 of {} beside {} idle: {:.0f} us{}", line, place, p99.median,
          p99.bounds ? fmt::format(" [{:.0f}, {:.0f}]", p99.bounds->low, p99.bounds->high) : ""));
    }
  }
  return figure;
}

namespace {

// The loads over which the cost of a wait is fitted: watched and ready descriptors both vary.
struct FitLoad {
  std::size_t connections;
  std::size_t active;
};
constexpr std::array fit_loads{FitLoad{100, 1},   FitLoad{100, 10},   FitLoad{100, 100},
                               FitLoad{1000, 1},  FitLoad{1000, 30},  FitLoad{1000, 300},
                               FitLoad{5000, 10}, FitLoad{5000, 300}, FitLoad{5000, 3000}};

// Says what was fitted, one model per round.
std::string describe_fit(const std::string& line, const std::vector<CostModel>& models) {
  const auto over_rounds = [&](double CostModel::*coefficient) {
    std::vector<double> values;
    values.reserve(models.size());
    for (const CostModel& model : models) values.push_back(model.*coefficient);
    const MedianInterval interval = median_interval(values);
    return interval.bounds ? fmt::format("{:.4g} [{:.4g}, {:.4g}]", interval.median,
                                         interval.bounds->low, interval.bounds->high)
                           : fmt::format("{:.4g}", interval.median);
  };
  return fmt::format("cost of a wait of {} in us: {} + {} * watched + {} * ready, R^2 {}", line,
                     over_rounds(&CostModel::fixed_us), over_rounds(&CostModel::per_watched_us),
                     over_rounds(&CostModel::per_ready_us), over_rounds(&CostModel::r_squared));
}

// From how many ready descriptors on `scanning` costs no more than `epoll`, when `watched` are.
std::string describe_implied_crossing(const std::string& scanning, const CostModel& one,
                                      const std::string& epoll, const CostModel& other,
                                      double watched) {
  const double gap = one.cost_us(watched, 0) - other.cost_us(watched, 0);
  const double gain = other.per_ready_us - one.per_ready_us;
  if (gap <= 0) {
    return fmt::format("by that, {} is never dearer than {} with {} watched", scanning, epoll,
                       watched);
  }
  if (gain <= 0 || gap / gain > watched) {
    return fmt::format("by that, {} never catches up with {} with {} watched", scanning, epoll,
                       watched);
  }
  return fmt::format("by that, {} costs no more than {} from {:.0f} ready of {} watched on",
                     scanning, epoll, gap / gain, watched);
}

void fit_waits(Figure& figure, double connections, const Progress& progress,
               const std::stop_token& stop) {
  const Bench bench;
  std::map<std::string, std::vector<CostModel>> models;
  for (int round = 0; round < rounds; ++round) {
    for (const std::string& line : figure.lines) {
      progress(fmt::format("{}: fit, round {} of {}, {}", figure.id, round + 1, rounds, line));
      std::vector<WaitCost> observations;
      for (const FitLoad& fit : fit_loads) {
        if (stop.stop_requested()) return;
        if (!bench.not_possible(line, fit.connections).empty()) continue;
        const Served served =
            bench.measure(line, closed_loop(fit.connections - fit.active, fit.active, 64), stop);
        if (served.cpu_us_per_wait > 0) {
          observations.push_back({static_cast<double>(fit.connections), served.events_per_wait,
                                  served.cpu_us_per_wait});
        }
      }
      if (const auto model = fit_cost(observations)) models[line].push_back(*model);
    }
  }
  for (const std::string& line : figure.lines) {
    if (!models[line].empty()) figure.notes.push_back(describe_fit(line, models[line]));
  }
  for (const char* const scanning : {"poll", "select (no limit)"}) {
    if (models[scanning].empty() || models["epoll_lt"].empty()) continue;
    figure.notes.push_back(describe_implied_crossing(scanning, models[scanning].front(), "epoll_lt",
                                                     models["epoll_lt"].front(), connections));
  }
}

}  // namespace

Figure make_active_share(const Progress& progress, const std::stop_token& stop) {
  constexpr double connections = 1000;
  Figure figure;
  figure.id = "active-share";
  figure.title = "CPU per request against the share of 1,000 connections that are active";
  figure.source = "this suite's own";
  figure.method = "active connections ask again as soon as they are answered, the others are idle";
  figure.axis = "active";
  figure.published_unit = "-";
  figure.measured_unit = "us of CPU per request";
  figure.lines = {"select (no limit)", "poll", "epoll_lt", "epoll_et"};
  measure_all(
      figure, {1, 3, 10, 30, 100, 300, 1000},
      [&](double active) {
        return closed_loop(static_cast<std::size_t>(connections - active),
                           static_cast<std::size_t>(active), 64);
      },
      [](const std::string& /*line*/, double /*place*/, const Served& served) {
        return served.cpu_us_per_request;
      },
      progress, stop);
  fit_waits(figure, connections, progress, stop);
  figure.shapes.push_back(compare_crossing(figure, "epoll_lt", "poll"));
  figure.shapes.push_back(compare_crossing(figure, "epoll_lt", "select (no limit)"));
  return figure;
}

}  // namespace echomux
