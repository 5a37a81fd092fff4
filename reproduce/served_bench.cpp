#include "reproduce/served_bench.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "harness/bench/measurement.hpp"
#include "harness/bench/rounds.hpp"
#include "harness/machine/keep_awake.hpp"
#include "harness/text/number_text.hpp"

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
  server.command.cpus = cpus_.server;
  ServerProcess process(server.command);
  const bool client_only = server.never_sleeps && cpus_.client;
  const KeepAwake awake(client_only ? std::vector<int>{*cpus_.client} : cpus_.usable, cpus_.usable);
  const Measurement measured = echomux::measure(process, load, run_.stop);
  Served served;
  served.report = make_load_report(load, measured.result);
  if (!measured.cost) return served;
  const ServerCost& cost = *measured.cost;
  served.cpu_us_per_request = cost.cpu_us_per_request;
  served.worker_imbalance = cost.worker_imbalance;
  if (cost.counters.contains("waits") && cost.counters.at("waits") > 0) {
    const double waits_per_request = cost.counted_per_request("waits");
    served.cpu_us_per_wait = cost.cpu_us_per_request / waits_per_request;
    served.scanned_per_wait = cost.counted_per_request("descriptors_scanned") / waits_per_request;
    served.events_per_wait = cost.counted_per_request("events") / waits_per_request;
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
    const FigureRun& run,
    const std::function<std::string(const std::string& line, double place)>& server_at) {
  const ServedBench bench(run);
  std::map<std::pair<std::string, double>, int> starved;
  const std::size_t lines = figure.lines.size();
  const auto measure_one = [&](std::size_t contender, std::size_t round) {
    const double place = at[contender / lines];
    const std::string& line = figure.lines[contender % lines];
    MeasuredLine& measured = figure.measured[line];
    if (measured.not_possible.contains(place)) return;
    Load load = load_at(place);
    load.timeout = std::chrono::milliseconds(500);
    if (const auto obstacle = bench.not_possible(server_at(line, place), load.connections())) {
      measured.not_possible[place] = *obstacle;
      return;
    }
    run.progress(fmt::format("{}: round {} of {}, {} at {}", figure.id, round + 1, served_rounds,
                             line, reader_number(place)));
    const Served served = bench.measure(server_at(line, place), load);
    if (served.report.outcome.reason == RunEnd::starved) {
      // Once can be the machine's doing. Twice, and never served, is the server's.
      const int times = ++starved[{line, place}];
      if (times > 1 && !measured.rounds.contains(place)) {
        measured.not_possible[place] = {
            Obstacle::starved,
            "peers were connected but got no answer in time, because the server serves others"};
      }
    } else if (served.report.outcome.reason == RunEnd::completed && served.report.requests > 0) {
      measured.rounds[place].push_back(take(line, place, served));
    }
  };
  run_rounds(at.size() * lines, served_rounds, measure_one, run.stop);
  if (run.stop.stop_requested()) return;
  for (const auto& [where, times] : starved) {
    const auto& [line, place] = where;
    if (figure.measured[line].not_possible.contains(place)) continue;
    figure.notes.push_back(fmt::format(
        "{} at {} {}: in {} of {} rounds peers got no answer for half a second; they have no value",
        line, reader_number(place), figure.axis, times, served_rounds));
  }
}

}  // namespace echomux
