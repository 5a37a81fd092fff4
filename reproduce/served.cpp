// The figures that were measured with servers and clients: each value is a fresh server process of
// this suite under a load of the swarm's.
#include <fmt/core.h>

#include "harness/text/number_text.hpp"
#include "reproduce/figures.hpp"
#include "reproduce/served_bench.hpp"

namespace echomux {
namespace {

double achieved_rps(const std::string& /*line*/, double /*place*/, const Served& served) {
  return served.report.achieved_rps;
}

// A shape of which the source gives only the direction.
Shape expect_ratio(const Figure& figure, const std::string& one, const std::string& other,
                   double at, double low, double high, const std::string& claim) {
  Shape shape = compare_ratio(figure, one, other, at);
  shape.what = fmt::format("{} / {} at {}: {}", one, other, reader_number(at), claim);
  if (!shape.measured) return shape;
  const bool holds = shape.measured->median >= low && shape.measured->median <= high;
  shape.verdict = holds ? ShapeVerdict::reproduced : ShapeVerdict::differs;
  shape.how = holds ? "" : fmt::format("it is {} here", reader_number(shape.measured->median));
  return shape;
}

void describe_gammo_idle(Figure& figure) {
  figure.title = "throughput of a saturated server without and with 10,000 idle connections";
  figure.source =
      "Gammo, Brecht, Shukla, Pariag, Comparing and Evaluating epoll, select, and poll (OLS 2004), "
      "figures 3 and 5";
  figure.method = "a web server under more and more requests; its reply rate";
  figure.differs =
      "an echo server, 50 connections that ask again as soon as they are answered; select without "
      "its limit, as theirs was; the source's curves are compared by what it says of them";
  figure.axis = "idle";
  figure.axis_label = "idle connections";
  figure.more_is_better = true;
  figure.published_unit = "not given as numbers";
  figure.measured_unit = "requests per second";
  figure.lines = {"epoll_lt", "epoll_et", "poll", "select (no limit)"};
}

void measure_gammo_idle(Figure& figure, const FigureRun& run) {
  measure_all(
      figure, {0, 10000},
      [](double idle) { return closed_loop(static_cast<std::size_t>(idle), 50, 64); }, achieved_rps,
      run);
  for (const char* const line : {"poll", "select (no limit)"}) {
    figure.shapes.push_back(
        expect_ratio(figure, line, "epoll_lt", 0, 0.8, 1.25, "matches without idle connections"));
    figure.shapes.push_back(
        expect_ratio(figure, line, "epoll_lt", 10000, 0, 0.5, "far behind with idle connections"));
  }
  figure.shapes.push_back(expect_ratio(figure, "epoll_et", "epoll_lt", 10000, 0.8, 1.25,
                                       "edge triggering helps only slightly"));
}

void describe_xserver_noop(Figure& figure) {
  figure.title = "operations per second of one synchronous client beside idle ones";
  figure.source = "x11perf -noop -sync, xorg-devel (2016)";
  figure.method = "one client waits for each answer before it asks again";
  figure.differs = "an echo of 32 bytes instead of an X request and its reply";
  figure.axis = "idle";
  figure.axis_label = "idle clients";
  figure.more_is_better = true;
  figure.published_unit = figure.measured_unit = "operations per second";
  figure.lines = {"epoll_lt", "poll", "select"};
  figure.published = {{"epoll_lt", {{1, 140e3}, {505, 140e3}, {2047, 140e3}}},
                      {"poll", {{1, 140e3}, {505, 12e3}, {2047, 2e3}}},
                      {"select", {{1, 140e3}, {505, 12e3}}}};
}

void measure_xserver_noop(Figure& figure, const FigureRun& run) {
  measure_all(
      figure, {1, 505, 2047},
      [](double idle) { return closed_loop(static_cast<std::size_t>(idle), 1, 32); }, achieved_rps,
      run);
  add_slopes(figure);
  for (const double idle : {1.0, 505.0, 2047.0}) {
    figure.shapes.push_back(compare_ratio(figure, "epoll_lt", "poll", idle));
    figure.shapes.push_back(compare_ratio(figure, "epoll_lt", "select", idle));
  }
  const auto alone = figure.measured["epoll_lt"].rounds.find(1);
  if (alone != figure.measured["epoll_lt"].rounds.end()) {
    // Why a wait that takes as long can weigh less.
    figure.notes.push_back(fmt::format(
        "beside one idle client an operation takes {} µs here and took {} µs there: what a wait "
        "adds to it is a smaller part the longer it takes",
        reader_number(1e6 / median_interval(alone->second).median),
        reader_number(1e6 / figure.published["epoll_lt"].at(1))));
  }
}

void describe_all_active(Figure& figure) {
  figure.title = "echoes per second when every client is active";
  figure.source = "Robert-ML, linux-modern-io-multiplexing";
  figure.method = "128-byte echoes, every client asks again as soon as it is answered";
  figure.axis = "clients";
  figure.axis_label = "clients, all of them active";
  figure.more_is_better = true;
  figure.published_unit = figure.measured_unit = "echoes per second";
  figure.lines = {"poll", "epoll_et"};
  figure.published = {{"poll", {{1, 55084}, {100, 136424}, {10000, 105368}}},
                      {"epoll_et", {{1, 54490}, {100, 134480}, {10000, 102192}}}};
}

void measure_all_active(Figure& figure, const FigureRun& run) {
  measure_all(
      figure, {1, 100, 10000},
      [](double clients) {
        Load load = closed_loop(0, static_cast<std::size_t>(clients), 128);
        // With 10,000 clients a round through all of them takes a while.
        load.duration = std::chrono::milliseconds(clients > 1000 ? 600 : 200);
        return load;
      },
      achieved_rps, run);
  add_ratios(figure, {"poll"}, "epoll_et", {1.0, 100.0, 10000.0});
}

Load idle_sweep_load(double idle) {
  Load load = closed_loop(static_cast<std::size_t>(idle), 10, 64);
  load.requests_per_second = 1000;
  load.duration = std::chrono::milliseconds(600);  // p99 is then the sixth slowest
  return load;
}

void describe_idle_sweep(Figure& figure) {
  figure.title = "service demand of all seven servers beside idle connections";
  figure.source = "this suite's own";
  figure.method = "10 active connections, 1,000 requests per second in all, open loop";
  figure.load = idle_sweep_load(0);
  figure.axis = "idle";
  figure.axis_label = "idle connections";
  figure.published_unit = "-";
  figure.measured_unit = "µs of CPU per request";
  figure.lines = {"blocking", "threaded", "busy_poll", "select", "poll", "epoll_lt", "epoll_et"};
  figure.second = Panel{"99th percentile of the latency", "µs from when a message was due", {}};
}

void measure_idle_sweep(Figure& figure, const FigureRun& run) {
  measure_all(
      figure, {1, 10, 100, 1000, 10000}, idle_sweep_load,
      [&](const std::string& line, double place, const Served& served) {
        figure.second->measured[line].rounds[place].push_back(served.report.latency_us.p99);
        return served.cpu_us_per_request;
      },
      run);
  // What could not be measured has no latency either.
  for (const auto& [line, measured] : figure.measured) {
    figure.second->measured[line].not_possible = measured.not_possible;
  }
}

}  // namespace

const FigureEntry gammo_idle{"gammo-idle", "Gammo et al., figures 3 and 5: idle connections", 45,
                             describe_gammo_idle, measure_gammo_idle};
const FigureEntry xserver_noop{"xserver-noop",
                               "one synchronous client of an X server beside idle ones", 20,
                               describe_xserver_noop, measure_xserver_noop};
const FigureEntry all_active{"all-active", "a counter-example: every client is active", 35,
                             describe_all_active, measure_all_active};
const FigureEntry idle_sweep{"idle-sweep", "all seven servers beside idle connections", 240,
                             describe_idle_sweep, measure_idle_sweep};

}  // namespace echomux
