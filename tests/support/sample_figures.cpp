#include "tests/support/sample_figures.hpp"

#include <cmath>
#include <random>

#include "reproduce/figures.hpp"

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
  Figure figure = unmeasured(libevent_1_active);
  Rounds rounds(8);
  for (const double x : {1.0, 1024.0, 8192.0}) {
    rounds.add(figure.measured["select"], x, 95 + 9.8 * x);
    rounds.add(figure.measured["poll"], x, 90 + 9.1 * x);
    rounds.add(figure.measured["epoll"], x, 92 + x / 60);
  }
  for (const std::string& line : figure.lines) {
    for (const double x : {16384.0, 131072.0}) figure.measured[line].not_possible[x] = too_many();
  }
  add_slopes(figure);
  add_ratios(figure, {"select"}, "epoll", {1, 1024, 16384});
  return figure;
}

Figure sample_with_zero() {
  Figure figure = unmeasured(gammo_idle);
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
  Figure figure = unmeasured(idle_sweep);
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
  Figure figure = unmeasured(active_share);
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
  Figure figure = unmeasured(libevent_100_active);
  Rounds rounds(2);
  for (const double x : {128.0, 256.0, 512.0, 1024.0, 2048.0, 8192.0}) {
    rounds.add(figure.measured["select"], x, 170 + 0.21 * x);
    rounds.add(figure.measured["poll"], x, 165 + 0.2 * x);
    rounds.add(figure.measured["epoll"], x, 270 + 0.01 * x);
  }
  for (const std::string& line : figure.lines)
    figure.measured[line].not_possible[16384] = too_many();
  figure.shapes.push_back(compare_crossing(figure, "select", "epoll"));
  add_ratios(figure, {"select"}, "epoll", {256, 512, 1024, 16384});
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
