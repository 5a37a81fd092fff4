// What a request costs as more of the connections are active, and the cost of a wait fitted to what
// is watched and what is ready.
#include <fmt/core.h>

#include <array>

#include "harness/bench/rounds.hpp"
#include "reproduce/figures.hpp"
#include "reproduce/served_bench.hpp"

namespace echomux {
namespace {

// The loads over which the cost of a wait is fitted: watched and ready descriptors both vary.
struct FitLoad {
  std::size_t connections;
  std::size_t active;
};
// Not beyond what the figure shows: with many more, a watched descriptor costs more than the last
// one did, because they no longer fit into the caches, and no line is straight any more.
constexpr std::array fit_loads{FitLoad{100, 1},    FitLoad{100, 10},  FitLoad{100, 100},
                               FitLoad{300, 1},    FitLoad{300, 30},  FitLoad{300, 300},
                               FitLoad{1000, 1},   FitLoad{1000, 30}, FitLoad{1000, 300},
                               FitLoad{1000, 1000}};

CostFit fit_waits(const Figure& figure, double connections, const FigureRun& run) {
  const ServedBench bench(run);
  CostFit fit;
  fit.watched = connections;
  const auto fit_one = [&](std::size_t contender, std::size_t round) {
    const std::string& line = figure.lines[contender];
    run.progress(
        fmt::format("{}: fit, round {} of {}, {}", figure.id, round + 1, served_rounds, line));
    std::vector<WaitCost> observations;
    for (const FitLoad& load : fit_loads) {
      if (run.stop.stop_requested()) return;
      if (bench.not_possible(line, load.connections)) continue;
      const Served served =
          bench.measure(line, closed_loop(load.connections - load.active, load.active, 64));
      if (served.cpu_us_per_wait > 0) {
        observations.push_back({static_cast<double>(load.connections), served.events_per_wait,
                                served.cpu_us_per_wait});
      }
    }
    if (const auto model = fit_cost(observations)) fit.models[line][round] = *model;
  };
  run_rounds(figure.lines.size(), served_rounds, fit_one, run.stop);
  if (run.stop.stop_requested()) return fit;
  for (const char* const scanning : {"poll", "select (no limit)"}) {
    const auto implied =
        implied_crossing(fit.models[scanning], fit.models["epoll_lt"], connections);
    if (!implied) continue;
    fit.crossings.push_back(
        {scanning, "epoll_lt", *implied, compare_crossing(figure, "epoll_lt", scanning).measured});
  }
  return fit;
}

void describe_active_share(Figure& figure) {
  figure.title = "CPU per request against the share of 1,000 connections that are active";
  figure.source = "this suite's own";
  figure.method =
      "active connections ask again as soon as they are answered, the others are idle; the cost of "
      "a wait is fitted over 100 to 1,000 connections, one to all of them active";
  figure.axis = "active";
  figure.axis_label = "active connections, of 1,000";
  figure.published_unit = "-";
  figure.measured_unit = "µs of CPU per request";
  figure.lines = {"select (no limit)", "poll", "epoll_lt", "epoll_et"};
}

void measure_active_share(Figure& figure, const FigureRun& run) {
  constexpr double connections = 1000;
  measure_all(
      figure, {1, 3, 10, 30, 100, 300, 1000},
      [&](double active) {
        return closed_loop(static_cast<std::size_t>(connections - active),
                           static_cast<std::size_t>(active), 64);
      },
      [](const std::string& /*line*/, double /*place*/, const Served& served) {
        return served.cpu_us_per_request;
      },
      run);
  figure.fit = fit_waits(figure, connections, run);
  figure.shapes.push_back(compare_crossing(figure, "epoll_lt", "poll"));
  figure.shapes.push_back(compare_crossing(figure, "epoll_lt", "select (no limit)"));
}

}  // namespace

const FigureEntry active_share{"active-share",
                               "cost against the share of connections that are active", 240,
                               describe_active_share, measure_active_share};

}  // namespace echomux
