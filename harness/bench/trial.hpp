#pragma once

#include "harness/bench/measurement.hpp"
#include "harness/bench/sweep.hpp"

namespace echomux {

// What is the same for all trials of a sweep.
struct SweepContext {
  const SweepPlan& plan;
  CpuPlan cpus;
  std::optional<double> client_ceiling_rps;
  std::stop_token stop;
};

// A fresh server on its CPU. Throws std::runtime_error when it can't be started.
[[nodiscard]] ServerProcess start(const SweepServer& server, const SweepContext& context);

// What is asked of a cell's server.
[[nodiscard]] Load load_of(const Cell& cell, const SweepPlan& plan);

// What the clients saw of a load, in this process or elsewhere, and what it cost the server.
struct TrialFigures {
  LoadReport load;
  std::optional<ServerCost> cost;
  bool outlived_load = true;  // the server still ran when its connections were to be closed
};
[[nodiscard]] TrialFigures figures_of(const Load& load, Measurement measurement);

// Fills in these figures, and judges them: with those of its parts, where it has some. The server
// still runs, or has ended by itself.
void conclude(Trial& trial, const Load& load, TrialFigures figures, const ServerProcess& process,
              const SweepServer& server, const SweepContext& context);

// Says of a trial that some of what its server had started could not be stopped.
void note_end(Trial& trial, const ServerExit& end);

// A trial without figures, and why.
void fail(Trial& trial, OutcomeKind kind, const std::string& why);

// Memory that a trial's connections take at both ends, about, in bytes.
[[nodiscard]] std::uint64_t memory_needed(const Trial& trial, const SweepServer& server);

// "not possible: …", where that many bytes aren't left; `because` stands before "it takes".
[[nodiscard]] std::string lacking_memory(std::uint64_t needed, std::uint64_t room,
                                         std::string_view because = {});

// Runs one trial with a fresh server, and fills in all but the cell and the repetition. Throws
// std::exception when the server can't be started or connected to.
void run_trial(Trial& trial, const SweepServer& server, const SweepContext& context);

// Counts a cell's system calls, with a fresh server.
[[nodiscard]] SystemCallCount count_system_calls(const Cell& cell, const SweepServer& server,
                                                 const SweepContext& context);
// The same under a load that stands.
[[nodiscard]] SystemCallCount count_system_calls(const Cell& cell, StandingLoad& load);

// What the client reaches against the floor in a closed loop, in requests per second; none when it
// was told to stop before. Throws std::exception when the floor can't be run.
[[nodiscard]] std::optional<double> measure_client_ceiling(const SweepServer& floor,
                                                           const SweepContext& context);

}  // namespace echomux
