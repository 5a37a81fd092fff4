// What several loops, or one loop and its workers, cost on one CPU, and how evenly they share.
#include <fmt/core.h>

#include "reproduce/figures.hpp"
#include "reproduce/served_bench.hpp"

namespace echomux {
namespace {

constexpr std::size_t active = 50;

void describe_loops(Figure& figure) {
  figure.title = "CPU per request against the number of workers, all on one CPU";
  figure.source = "this suite's own";
  figure.method =
      "50 connections that ask again as soon as they are answered; the server is pinned to one "
      "CPU, "
      "so that more workers bring nothing, and what they cost is seen";
  figure.axis = "workers";
  figure.axis_label = "workers: loops of reuseport, threads behind the reactor";
  figure.published_unit = "-";
  figure.measured_unit = "µs of CPU per request";
  figure.lines = {"reuseport", "reactor_workers"};
  figure.second = Panel{"requests of the busiest worker over the mean", "times", {}};
}

void measure_loops(Figure& figure, const FigureRun& run) {
  measure_all(
      figure, {1, 2, 4, 8}, [](double /*workers*/) { return closed_loop(0, active, 64); },
      [&](const std::string& line, double workers, const Served& served) {
        if (served.worker_imbalance) {
          figure.second->measured[line].rounds[workers].push_back(*served.worker_imbalance);
        }
        return served.cpu_us_per_request;
      },
      run,
      [](const std::string& line, double workers) { return fmt::format("{}:{}", line, workers); });
}

}  // namespace

const FigureEntry loops{"loops", "several loops, or a loop with workers, on one CPU", 40,
                        describe_loops, measure_loops};

}  // namespace echomux
