#pragma once

#include <cstddef>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "harness/bench/sweep.hpp"

namespace echomux {

// A load that went well in every respect, for tests to spoil in one.
inline LoadReport clean_load() {
  LoadReport load;
  load.active = load.active_confirmed = 10;
  load.idle_requested = load.idle_confirmed = load.idle_held = 100;
  load.requests = 1000;
  load.offered_rps = load.due_rps = load.achieved_rps = 1000;
  load.latency_us = {
      .p50 = 50, .p90 = 60, .p99 = 100, .p99_9 = 200, .p99_99 = 250, .max = 300, .mean = 52};
  load.latency_uncorrected_us = load.latency_us;
  load.taken_ms = 1000;  // all of it, so that no tail is too long for what shares are told of
  return load;
}

// A trial of the same kind.
inline Trial clean_trial(Cell cell = {"poll", 100, 1000}, std::size_t repetition = 1) {
  Trial trial;
  trial.cell = std::move(cell);
  trial.repetition = repetition;
  trial.active_connections = 10;
  trial.load = clean_load();
  trial.cost.emplace();
  trial.cost->requests = 1000;
  trial.cost->cpu_us_per_request = 8;
  trial.cost->busy_share = 0.008;
  trial.cost->threads = trial.cost->processes = 1;
  trial.cost->cpus = {1};
  return trial;
}

// The codes of a judgement's reasons, in their order.
inline std::vector<std::string> codes(const Judgement& judgement) {
  std::vector<std::string> all;
  for (const Reason& reason : judgement.reasons) all.push_back(reason.code);
  return all;
}

// A plan of twelve cells.
inline SweepPlan sample_plan() {
  SweepPlan plan;
  plan.servers = {{.name = "poll", .backend = "poll", .options = {}, .command = {}},
                  {.name = "epoll", .backend = "epoll_lt", .options = {}, .command = {}},
                  {.name = "mine", .backend = {}, .options = {}, .command = "./mine"}};
  plan.idle_connections = {0, 100};
  plan.rates = {0, 1000};
  plan.repetitions = 8;
  return plan;
}

// What tells the cells of a plan apart.
using CellKey = std::tuple<std::string, std::size_t, double>;

inline CellKey key(const Cell& cell) {
  return {cell.server, cell.idle_connections, cell.rate};
}

}  // namespace echomux
