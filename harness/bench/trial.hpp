#pragma once

#include "harness/bench/sweep.hpp"

namespace echomux {

// Runs one trial with a fresh server, and fills in all but the cell and the repetition. Throws
// std::exception when the server can't be started or connected to.
void run_trial(Trial& trial, const SweepServer& server, const SweepPlan& plan, const CpuPlan& cpus,
               const std::optional<double>& client_ceiling_rps, const std::stop_token& stop);

// Counts a cell's system calls, in a shorter run.
[[nodiscard]] SystemCallCount count_system_calls(const Cell& cell, const SweepServer& server,
                                                 const SweepPlan& plan, const CpuPlan& cpus,
                                                 const std::stop_token& stop);

// What the client reaches against the floor in a closed loop, in requests per second; none when it
// was told to stop before. Throws std::exception when the floor can't be run.
[[nodiscard]] std::optional<double> measure_client_ceiling(const SweepServer& floor,
                                                           const SweepPlan& plan,
                                                           const CpuPlan& cpus,
                                                           const std::stop_token& stop);

}  // namespace echomux
