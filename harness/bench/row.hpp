#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "harness/bench/trial.hpp"

namespace echomux {

// One repetition of the cells of one row, which are loaded in turn: the same number of idle
// connections at the same rate.
struct RowTask {
  struct Contender {
    Trial trial;  // its cell and repetition
    const SweepServer* server = nullptr;
    bool count_system_calls = false;
  };
  std::vector<Contender> contenders;
  std::optional<SweepServer> floor;
  std::uint64_t seed = 1;  // of the order of the slices
  // For the connections of all that stand side by side; none: as much as it takes.
  std::optional<std::uint64_t> memory_bytes;
};

// Starts a fresh server for each contender, opens the connections of one after the other, and loads
// them in turn in short windows, a new random order each round. Two floors are among them: one with
// the row's idle connections, and one without any. So whatever the machine does in the course of
// time falls on all of them alike, and the ratio of two figures of the same round is free of it.
//
// A contender that fails leaves the row, and its server is stopped at once. One that can't stand
// beside the others, since it can't be started, closes connections at rest, or would not fit into
// memory with them, is run beside the floors alone. A server that never rests is halted with
// SIGSTOP while the others are loaded.
//
// Calls `opening` with each trial before its connections are opened, `round` with the number of
// each round, and `counted` with the system calls where they were asked for. Fills in the trials.
// Those that a stop request cuts off are `interrupted`.
struct RowObserver {
  std::function<void(const Trial&)> opening;
  std::function<void(std::size_t round, std::size_t rounds)> round;
  std::function<void(const SystemCallCount&)> counted;
};
void run_row(RowTask& task, const SweepContext& context, const RowObserver& observer);

// How many rounds a row of this plan has.
[[nodiscard]] std::size_t rounds_of(const SweepPlan& plan);

}  // namespace echomux
