#include "reproduce/served_bench.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "harness/machine/keep_awake.hpp"
#include "harness/server/process_meter.hpp"
#include "harness/text/number_text.hpp"
#include "harness/text/time_units.hpp"

namespace echomux {
namespace {

constexpr std::size_t spare_descriptors = 24;
// What a server has open itself: its streams, the listening socket, what it is told to stop by, the
// descriptor it keeps for when it runs out of them.
constexpr std::size_t own_descriptors = 12;

}  // namespace

ServedBench::ServedBench(const FigureRun& run)
    : run_(run),
      descriptors_(raise_descriptor_limit()),
      cpus_(plan_cpus(true, true)),
      on_client_cpu_(cpus_.client) {}

std::optional<NotPossible> ServedBench::not_possible(const std::string& line,
                                                     std::size_t connections) const {
  const std::optional<std::size_t> most = run_.server(line).max_connections;
  // A server of one connection is measured all the same: it starves the others.
  if (most > 1 && connections + own_descriptors > *most) {
    return NotPossible{Obstacle::own_limit, fmt::format("{} ends at FD_SETSIZE, {}", line, *most)};
  }
  if (connections + spare_descriptors > descriptors_) {
    return NotPossible{Obstacle::machine_limit,
                       fmt::format("{} connections take more descriptors than the limit of {}",
                                   reader_number(connections), reader_number(descriptors_))};
  }
  return std::nullopt;
}

Served ServedBench::measure(const std::string& line, const Load& load) const {
  SweepServer server = run_.server(line);
  server.command.cpu = cpus_.server;
  ServerProcess process(server.command);
  SwarmOptions options{.server = process.endpoint(), .load = load};
  using Counters = std::map<std::string, std::uint64_t>;
  Counters begin;
  Counters end;
  std::chrono::nanoseconds cpu{0};
  const auto clock = [&] {
    const auto reading = read_process_tree(process.pid(), Detail::cpu_only);
    return reading ? reading->cpu : std::chrono::nanoseconds(0);
  };
  options.on_window_begin = [&] {
    begin = process.counters().value_or(Counters{});
    cpu = clock();
  };
  options.on_window_end = [&] {
    cpu = clock() - cpu;
    end = process.counters().value_or(Counters{});
  };
  const KeepAwake awake(server.never_sleeps && cpus_.client ? std::vector<int>{*cpus_.client}
                                                            : cpus_.usable);
  const SwarmResult result = run_swarm(options, run_.stop);
  Served served;
  served.report = make_load_report(load, result);
  const double cpu_us = to_us(cpu);
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

Load closed_loop(std::size_t idle, std::size_t active, std::size_t bytes) {
  Load load;
  load.idle_connections = idle;
  load.active_connections = active;
  load.message_bytes = bytes;
  load.warmup = std::chrono::milliseconds(50);
  load.duration = std::chrono::milliseconds(200);
  return load;
}

void measure_all(
    Figure& figure, const std::vector<double>& at, const std::function<Load(double)>& load_at,
    const std::function<double(const std::string& line, double place, const Served&)>& take,
    const FigureRun& run) {
  const ServedBench bench(run);
  std::map<std::pair<std::string, double>, int> starved;
  for (int round = 0; round < served_rounds; ++round) {
    for (const double place : at) {
      for (const std::string& line : figure.lines) {
        if (run.stop.stop_requested()) return;
        MeasuredLine& measured = figure.measured[line];
        if (measured.not_possible.contains(place)) continue;
        Load load = load_at(place);
        load.timeout = std::chrono::milliseconds(500);
        const auto obstacle = bench.not_possible(line, load.connections());
        if (obstacle) {
          measured.not_possible[place] = *obstacle;
          continue;
        }
        run.progress(fmt::format("{}: round {} of {}, {} at {}", figure.id, round + 1,
                                 served_rounds, line, reader_number(place)));
        const Served served = bench.measure(line, load);
        if (served.report.outcome.reason == RunEnd::starved) {
          // Once can be the machine's doing. Twice, and never served, is the server's.
          const int times = ++starved[{line, place}];
          if (times > 1 && !measured.rounds.contains(place)) {
            measured.not_possible[place] = {
                Obstacle::starved,
                "peers were connected but got no answer in time, for the server serves others"};
          }
        } else if (served.report.outcome.reason == RunEnd::completed &&
                   served.report.requests > 0) {
          measured.rounds[place].push_back(take(line, place, served));
        }
      }
    }
  }
  for (const auto& [where, times] : starved) {
    const auto& [line, place] = where;
    if (figure.measured[line].not_possible.contains(place)) continue;
    figure.notes.push_back(fmt::format(
        "{} at {} {}: in {} of {} rounds peers got no answer for half a second; they have no value",
        line, reader_number(place), figure.axis, times, served_rounds));
  }
}

}  // namespace echomux
