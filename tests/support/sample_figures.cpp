#include "tests/support/sample_figures.hpp"

#include <cmath>
#include <random>

namespace echomux {
namespace {

// Seven rounds about a value, with a noise of so many per cent.
class Rounds {
 public:
  explicit Rounds(double per_cent) : noise_(-per_cent / 100, per_cent / 100) {}
  void add(MeasuredLine& line, double x, double value) {
    for (int i = 0; i < 7; ++i) line.rounds[x].push_back(value * std::exp(noise_(random_)));
  }

 private:
  std::mt19937 random_{1};
  std::uniform_real_distribution<double> noise_;
};

NotPossible starved() {
  return {Obstacle::starved, "peers were connected but got no answer in time"};
}
NotPossible select_limit() {
  return {Obstacle::own_limit, "select ends at FD_SETSIZE, 1024"};
}
NotPossible too_many() {
  return {Obstacle::machine_limit, "131,072 pairs take 262,144 descriptors"};
}

}  // namespace

Figure sample_published() {
  Figure figure;
  figure.id = "libevent-1-active";
  figure.title = "time until a byte that is passed on 100 times has arrived, one active";
  figure.source = "libevent's test/bench.c, as published by coroio (i7-12800H)";
  figure.method = "n socket pairs in one process; median of 25 runs";
  figure.differs = "seven rounds of these; io_uring and libevent itself are not part of this suite";
  figure.axis = "watched";
  figure.axis_label = "socket pairs watched";
  figure.published_unit = figure.measured_unit = "µs";
  figure.lines = {"select", "poll", "epoll"};
  figure.published = {{"select", {{1, 74}, {1024, 1302}, {16384, 26026}, {131072, 504405}}},
                      {"poll", {{1, 61}, {1024, 1098}, {16384, 23921}, {131072, 489171}}},
                      {"epoll", {{1, 64}, {1024, 100}, {16384, 134}, {131072, 124}}}};
  Rounds rounds(8);
  for (const double x : {1.0, 1024.0, 8192.0}) {
    rounds.add(figure.measured["select"], x, 95 + 9.8 * x);
    rounds.add(figure.measured["poll"], x, 90 + 9.1 * x);
    rounds.add(figure.measured["epoll"], x, 92 + x / 60);
  }
  for (const std::string& line : figure.lines) {
    for (const double x : {16384.0, 131072.0}) figure.measured[line].not_possible[x] = too_many();
  }
  for (const std::string& line : figure.lines) figure.shapes.push_back(compare_slope(figure, line));
  for (const double n : {1.0, 1024.0, 16384.0}) {
    figure.shapes.push_back(compare_ratio(figure, "select", "epoll", n));
  }
  return figure;
}

Figure sample_with_zero() {
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
  figure.axis_label = "idle connections";
  figure.published_unit = "not given as numbers";
  figure.measured_unit = "requests per second";
  figure.more_is_better = true;
  figure.lines = {"epoll_lt", "epoll_et", "poll", "select (no limit)"};
  Rounds rounds(6);
  for (const double x : {0.0, 10000.0}) {
    rounds.add(figure.measured["epoll_lt"], x, 71'000);
    rounds.add(figure.measured["epoll_et"], x, 66'000);
    rounds.add(figure.measured["poll"], x, x == 0 ? 82'000 : 21'000);
    rounds.add(figure.measured["select (no limit)"], x, x == 0 ? 70'000 : 17'500);
  }
  Shape shape = compare_ratio(figure, "poll", "epoll_lt", 10000);
  shape.verdict = ShapeVerdict::reproduced;
  figure.shapes = {shape, shape};
  return figure;
}

Figure sample_two_quantities() {
  Figure figure;
  figure.id = "idle-sweep";
  figure.title = "service demand of all seven servers beside idle connections";
  figure.source = "this suite's own";
  figure.method = "10 active connections, 500 requests per second in all, open loop";
  figure.axis = "idle";
  figure.axis_label = "idle connections";
  figure.published_unit = "-";
  figure.measured_unit = "µs of CPU per request";
  figure.lines = {"blocking", "threaded", "busy_poll", "select", "poll", "epoll_lt", "epoll_et"};
  figure.second = Panel{"99th percentile of the latency", "µs from when a message was due", {}};
  Rounds rounds(15);
  Rounds tails(60);
  const auto add = [&](const std::string& line, double x, double cost, double p99) {
    rounds.add(figure.measured[line], x, cost);
    tails.add(figure.second->measured[line], x, p99);
  };
  for (const double x : {1.0, 10.0, 100.0, 1000.0, 10000.0}) {
    figure.measured["blocking"].not_possible[x] = starved();
    add("threaded", x, 29, 120 + x / 20);
    add("busy_poll", x, 1950, 130 + x / 2);
    add("poll", x, 31 + 0.31 * x, 130 + x / 2);
    add("epoll_lt", x, 27, 110);
    add("epoll_et", x, 29, 105);
    if (x < 5000) {
      add("select", x, 33 + 0.32 * x, 140 + x / 2);
    } else {
      figure.measured["select"].not_possible[x] = select_limit();
    }
  }
  for (const auto& [line, measured] : figure.measured) {
    figure.second->measured[line].not_possible = measured.not_possible;
  }
  return figure;
}

Figure sample_with_fit() {
  Figure figure;
  figure.id = "active-share";
  figure.title = "CPU per request against the share of 1,000 connections that are active";
  figure.source = "this suite's own";
  figure.method = "active connections ask again as soon as they are answered, the others are idle";
  figure.axis = "active";
  figure.axis_label = "active connections, of 1,000";
  figure.published_unit = "-";
  figure.measured_unit = "µs of CPU per request";
  figure.lines = {"select (no limit)", "poll", "epoll_lt", "epoll_et"};
  Rounds rounds(2);
  for (const double x : {1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0}) {
    rounds.add(figure.measured["select (no limit)"], x, 320 / x + 8.8);
    rounds.add(figure.measured["poll"], x, 300 / x + 8.9);
    rounds.add(figure.measured["epoll_lt"], x, 14 / x + 11);
    rounds.add(figure.measured["epoll_et"], x, 14 / x + 12.5);
  }
  figure.fit = CostFit{1000, {}, {}};
  for (std::size_t round = 0; round < 7; ++round) {
    const double drift = 1 + 0.01 * static_cast<double>(round);
    figure.fit->models["select (no limit)"][round] = {4 * drift, 0.31 * drift, 8.7 * drift, 0.998};
    figure.fit->models["poll"][round] = {3 * drift, 0.29 * drift, 8.8, 0.997};
    figure.fit->models["epoll_lt"][round] = {12 * drift, 0.0001, 11 * drift, 0.992};
    figure.fit->models["epoll_et"][round] = {12.5, 0.00012, 12.4 * drift, 0.991};
  }
  for (const char* const line : {"poll", "select (no limit)"}) {
    const Shape measured = compare_crossing(figure, "epoll_lt", line);
    figure.shapes.push_back(measured);
    figure.fit->crossings.push_back(
        {line, "epoll_lt",
         implied_crossing(figure.fit->models[line], figure.fit->models["epoll_lt"], 1000).value(),
         measured.measured});
  }
  return figure;
}

Figure sample_crossing() {
  Figure figure;
  figure.id = "libevent-100-active";
  figure.title = "time until 100 bytes, passed on 100 times in all, have arrived";
  figure.source = "libevent's test/bench.c, as published by coroio (i7-12800H)";
  figure.method = "n socket pairs in one process, 100 active; median of 25 runs";
  figure.axis = "watched";
  figure.axis_label = "socket pairs watched";
  figure.published_unit = figure.measured_unit = "µs";
  figure.lines = {"select", "epoll", "poll"};
  figure.published = {{"select", {{256, 466}, {512, 618}, {1024, 948}, {16384, 4834}}},
                      {"epoll", {{256, 498}, {512, 660}, {1024, 879}, {16384, 1551}}}};
  Rounds rounds(2);
  for (const double x : {128.0, 256.0, 512.0, 1024.0, 2048.0, 8192.0}) {
    rounds.add(figure.measured["select"], x, 170 + 0.21 * x);
    rounds.add(figure.measured["poll"], x, 165 + 0.2 * x);
    rounds.add(figure.measured["epoll"], x, 270 + 0.01 * x);
  }
  for (const std::string& line : figure.lines)
    figure.measured[line].not_possible[16384] = too_many();
  figure.shapes.push_back(compare_crossing(figure, "select", "epoll"));
  for (const double n : {256.0, 512.0, 1024.0, 16384.0}) {
    figure.shapes.push_back(compare_ratio(figure, "select", "epoll", n));
  }
  return figure;
}

FigureContext sample_context() {
  FigureContext context;
  context.started = "2026-01-31T12:00:00Z";
  context.command = {"echomux", "reproduce", "all"};
  context.build.version = "0.1.0";
  context.build.git_commit = "0123456789ab";
  context.machine.kernel = "Linux 6.18.44 #1 SMP PREEMPT_DYNAMIC";
  context.machine.cpu_model = "AMD EPYC";
  context.machine.cpus_usable = 2;
  context.machine.hypervisor = "KVM";
  return context;
}

}  // namespace echomux
