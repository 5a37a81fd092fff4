#include "harness/bench/sweep.hpp"

#include <fmt/core.h>
#include <sys/resource.h>

#include <algorithm>
#include <random>
#include <semaphore>
#include <stop_token>

#include "echo/system_call.hpp"
#include "harness/bench/rounds.hpp"
#include "harness/bench/trial.hpp"
#include "harness/machine/cpu.hpp"
#include "harness/machine/keep_awake.hpp"
#include "harness/machine/needs.hpp"
#include "harness/machine/tracepoint.hpp"
#include "harness/text/time_units.hpp"

namespace echomux {
namespace {

// How long the signal that ends the harness may come after the one that ended its server.
constexpr std::chrono::milliseconds a_moment{100};

void wait_for_stop(const std::stop_token& stop, std::chrono::milliseconds limit) {
  std::binary_semaphore asked(0);
  const std::stop_callback wake(stop, [&] { asked.release(); });
  static_cast<void>(asked.try_acquire_for(limit));
}

// True when the trial need not be run, since it is known that it can't be.
bool ruled_out(Trial& trial, const SweepServer& server, std::uint64_t descriptor_limit) {
  const std::size_t connections = trial.cell.idle_connections + trial.active_connections;
  const std::size_t needed = connections + spare_descriptors;
  // A server that serves one peer at a time is run all the same: that it starves the others is its
  // lesson, not a limit that someone has set.
  if (server.max_connections > 1 && connections > *server.max_connections) {
    trial.outcome = {OutcomeKind::over_limit, RunEnd::not_run,
                     fmt::format("limit {}", *server.max_connections)};
  } else if (needed > descriptor_limit) {
    trial.outcome = {OutcomeKind::not_possible, RunEnd::not_run,
                     fmt::format("not possible: needs {} descriptors, the limit is {} (raise it: "
                                 "ulimit -Hn {}, as root)",
                                 needed, descriptor_limit, needed)};
  } else {
    return false;
  }
  trial.judgement = judge_trial(trial, {});
  return true;
}

// A trial without figures, and why.
void fail(Trial& trial, OutcomeKind kind, const std::string& why) {
  trial.outcome = {kind, RunEnd::not_run, why};
  trial.load.reset();
  trial.cost.reset();
  trial.judgement = judge_trial(trial, {});
}

}  // namespace

CpuPlan plan_cpus(bool pin, bool keep_awake) {
  CpuPlan plan;
  plan.usable = usable_cpus();
  if (!pin) {
    plan.explanation = "not pinned: server and client run on whichever CPU the system chooses";
  } else if (plan.usable.size() < 2) {
    plan.explanation = "not pinned: server and client share the only CPU there is";
  } else {
    // The first CPU takes most interrupts, so the client gets it and the server is left alone.
    plan.server = plan.usable.back();
    plan.client = plan.usable.front();
    plan.usable = {*plan.client, *plan.server};
    plan.explanation =
        fmt::format("pinned: server on CPU {}, client on CPU {}", *plan.server, *plan.client);
  }
  const std::string why_not = keep_awake ? why_not_kept_awake(plan.usable) : "";
  plan.explanation += !keep_awake       ? ", free to sleep"
                      : why_not.empty() ? ", kept awake by threads of idle priority"
                                        : ", free to sleep: " + why_not;
  return plan;
}

std::uint64_t raise_descriptor_limit() {
  rlimit limit{};
  check(::getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
  limit.rlim_cur = limit.rlim_max;
  check(::setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
  return limit.rlim_cur;
}

std::vector<ScheduledTrial> schedule_trials(const SweepPlan& plan) {
  std::vector<ScheduledTrial> all;
  std::mt19937_64 random(plan.seed);
  for (std::size_t repetition = 1; repetition <= plan.repetitions; ++repetition) {
    std::vector<ScheduledTrial> one;
    for (const std::size_t idle : plan.idle_connections) {
      for (const double rate : plan.rates) {
        for (std::size_t i = 0; i < plan.servers.size(); ++i) {
          one.push_back({i, {plan.servers[i].name, idle, rate}, repetition});
        }
      }
    }
    for (const std::size_t i : random_order(one.size(), random)) all.push_back(one[i]);
  }
  return all;
}

void run_sweep(const SweepPlan& plan, const std::vector<SweepServer>& servers,
               const std::optional<SweepServer>& floor, const SweepDone& done,
               const SweepObserver& observer, const std::stop_token& stop) {
  const std::uint64_t descriptor_limit = raise_descriptor_limit();
  const CpuPlan cpus = plan_cpus(plan.pin, plan.keep_awake);
  if (cpus.client) run_on_cpus({*cpus.client});
  std::optional<double> ceiling = done.client_ceiling_rps;
  if (!ceiling && floor && !stop.stop_requested()) {
    try {
      ceiling = measure_client_ceiling(*floor, plan, cpus, stop);
      if (ceiling) observer.ceiling(*ceiling);
    } catch (const std::exception& error) {
      // All that is lost without it is one reason for suspicion.
      if (!stop.stop_requested()) observer.no_ceiling(error.what());
    }
  }

  // Cells whose first trial has shown that they can't be measured need no further ones counted.
  std::vector<Cell> measured;
  const auto note_measured = [&](const Trial& trial) {
    if (trial.has_figures() && std::ranges::find(measured, trial.cell) == measured.end()) {
      measured.push_back(trial.cell);
    }
  };
  std::ranges::for_each(done.trials, note_measured);
  for (const ScheduledTrial& next : schedule_trials(plan)) {
    if (std::ranges::any_of(done.trials, [&](const Trial& trial) {
          return trial.cell == next.cell && trial.repetition == next.repetition;
        })) {
      continue;
    }
    if (stop.stop_requested()) return;
    Trial trial;
    trial.cell = next.cell;
    trial.repetition = next.repetition;
    trial.active_connections = plan.load.active_connections;
    observer.before(trial);
    const SweepServer& server = servers.at(next.server);
    if (!ruled_out(trial, server, descriptor_limit)) {
      try {
        run_trial(trial, server, plan, cpus, ceiling, stop);
      } catch (const std::exception& error) {
        // One server that can't be started or connected to must not cost the others their trials.
        fail(trial, OutcomeKind::failed, error.what());
      }
      // Whoever ends the harness may end its server too, and a moment before: nothing that went
      // wrong in the end is the server's.
      if (trial.outcome.kind == OutcomeKind::failed) wait_for_stop(stop, a_moment);
      if (stop.stop_requested() && trial.outcome.kind != OutcomeKind::measured) {
        fail(trial, OutcomeKind::interrupted, "interrupted");
      }
    }
    note_measured(trial);
    observer.after(trial);
  }

  if (!plan.count_system_calls) return;
  const std::optional<std::string> unavailable = system_calls_uncountable();
  for (const Cell& cell : measured) {
    if (stop.stop_requested()) return;
    if (std::ranges::any_of(done.system_calls,
                            [&](const SystemCallCount& count) { return count.cell == cell; })) {
      continue;
    }
    const auto spec = std::ranges::find(plan.servers, cell.server, &ServerSpec::name);
    const SweepServer& server = servers.at(static_cast<std::size_t>(spec - plan.servers.begin()));
    const SystemCallCount count = unavailable ? SystemCallCount{cell, std::nullopt, *unavailable}
                                              : count_system_calls(cell, server, plan, cpus, stop);
    // A pass that was cut off says nothing, and a resumed run is to do it again.
    if (!count.per_request && stop.stop_requested()) return;
    observer.counted(count);
  }
}

}  // namespace echomux
