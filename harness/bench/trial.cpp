#include "harness/bench/trial.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "harness/machine/cpu.hpp"
#include "harness/machine/keep_awake.hpp"
#include "harness/machine/needs.hpp"
#include "harness/text/number_text.hpp"
#include "harness/text/time_units.hpp"

namespace echomux {
namespace {

using std::chrono::nanoseconds;

// A server whose CPU is busier than this does nothing but catch up, though batching lets it answer
// every request still, later.
constexpr double saturated_share = 0.95;
// In slices the readings at the edges are closer together, and each takes a part of the CPU time.
constexpr double saturated_share_in_slices = 0.9;
// A client that comes this close to what it reaches against the floor may be what limits the rate.
constexpr double near_ceiling_share = 0.9;
// A tail may be the machine's when the server waited longer than this for its CPU.
constexpr double server_delay_limit = 0.01;
constexpr double long_tail = 4;
// For the pass in which system calls are counted.
constexpr std::chrono::milliseconds counting_warmup{20};
constexpr std::chrono::milliseconds counting_time{50};
// A server that ends when its peers reset their connections has done so after this.
constexpr std::chrono::milliseconds time_to_end_on_reset{100};
// A server that has this many connections less than it can have turns nobody away for their number.
constexpr std::uint64_t near_limit = 128;

// Of one that starved its peers, and why, where that is known.
std::string how_far_it_came(const LoadReport& load) {
  const std::string far = load.idle_confirmed < load.idle_requested
                              ? fmt::format("{} of {} idle connections served", load.idle_confirmed,
                                            load.idle_requested)
                          : load.active_confirmed < load.active
                              ? fmt::format("{} of {} served", load.active_confirmed, load.active)
                              : "no answer any more in mid-load";
  const std::string& why = load.outcome.sentence;
  return fmt::format("starved: {}{}{}", far, why.empty() ? "" : ": ", why);
}

// What a sweep makes of the load's end.
RunOutcome outcome_of(const LoadReport& load, const SweepServer& server) {
  const auto call = [&](OutcomeKind kind, std::string sentence) {
    return RunOutcome{kind, load.outcome.reason, std::move(sentence)};
  };
  switch (load.outcome.reason) {
    case RunEnd::completed:
      if (load.lost > 0) {
        return call(OutcomeKind::failed, fmt::format("{} connections lost", load.lost));
      }
      [[fallthrough]];
    case RunEnd::starved:
      if (load.partly_answered > 0) return call(OutcomeKind::failed, "echoes came back short");
      if (load.outcome.reason == RunEnd::completed) return call(OutcomeKind::measured, "");
      return call(OutcomeKind::starved, how_far_it_came(load));
    case RunEnd::refused: {
      const std::uint64_t confirmed = load.idle_confirmed + load.active_confirmed;
      // It has some descriptors of its own, and connections that are not confirmed yet.
      if (server.max_connections && confirmed + near_limit >= *server.max_connections) {
        return call(OutcomeKind::over_limit, fmt::format("limit {}", *server.max_connections));
      }
      return call(OutcomeKind::failed, fmt::format("turned away after {} connections", confirmed));
    }
    case RunEnd::server_gone:
      return call(OutcomeKind::failed, "the server ended its active connections");
    case RunEnd::corrupted:
      return call(OutcomeKind::failed, "corrupt: " + load.outcome.sentence);
    case RunEnd::interrupted:
      return call(OutcomeKind::interrupted, "interrupted");
    case RunEnd::not_run:
      break;
  }
  return load.outcome;
}

// The share of one CPU that the server wanted: what it got, and what it waited for while something
// else was on its CPU. With many threads the waits overlap, and their sum says nothing.
double wanted_share(const ServerCost& cost) {
  constexpr std::uint64_t few_threads = 2;
  return cost.busy_share + (cost.threads <= few_threads ? cost.run_queue_share.value_or(0) : 0);
}

// As many as it has, and as its threads can use at the same time.
double cpus_it_can_use(const ServerCost& cost, const TrialCircumstances& circumstances) {
  return static_cast<double>(std::max<std::size_t>(
      std::min({circumstances.most_cpus, cost.cpus.size(), std::size_t{cost.threads}}), 1));
}

double limit_of(const Trial& trial) {
  return trial.load->windows > 1 ? saturated_share_in_slices : saturated_share;
}

// Of the worker that is the busiest, which with uneven shares is at its limit before the others.
double busiest_worker(const ServerCost& cost) {
  double most = 0;
  for (const WorkerCost& worker : cost.workers)
    most = std::max(most, worker.busy_share.value_or(0));
  return most;
}

bool is_saturated(const Trial& trial, const TrialCircumstances& circumstances) {
  return wanted_share(*trial.cost) >=
             limit_of(trial) * cpus_it_can_use(*trial.cost, circumstances) ||
         busiest_worker(*trial.cost) >= limit_of(trial);
}

void judge_server(const Trial& trial, const TrialCircumstances& circumstances,
                  Judgement& judgement) {
  const ServerCost& cost = *trial.cost;
  if (is_saturated(trial, circumstances)) {
    const bool one_alone =
        wanted_share(cost) < limit_of(trial) * cpus_it_can_use(cost, circumstances);
    judgement.add(
        Verdict::saturated, "saturated",
        circumstances.never_sleeps ? "the server never sleeps, and so its CPU is always busy"
        : one_alone ? fmt::format("one of the server's workers was busy {} of the time",
                                  percent(busiest_worker(cost)))
                    : fmt::format("the server's CPU was busy with it {} of the time{}",
                                  percent(cost.busy_share),
                                  cost.busy_share >= saturated_share_in_slices *
                                                         cpus_it_can_use(cost, circumstances)
                                      ? ""
                                      : ", and it waited for its CPU in the rest"));
  }
  std::vector<int> common;
  std::ranges::set_intersection(cost.cpus, circumstances.client_cpus, std::back_inserter(common));
  if (!common.empty()) {
    const bool only = cost.cpus.size() == 1 && circumstances.client_cpus.size() == 1;
    judgement.add(only ? Verdict::invalid : Verdict::suspect, "shared_cpu",
                  only ? fmt::format("client and server had to share CPU {}", common.front())
                       : "client and server may have shared a CPU");
  }
  // Threads that hand work to each other, or are more than there are CPUs, wait for each other,
  // too.
  const bool wait_for_each_other =
      circumstances.hands_over ||
      (circumstances.most_cpus > cost.cpus.size() && circumstances.most_cpus <= cost.threads);
  const double waited = wait_for_each_other ? 0 : cost.run_queue_share.value_or(0);
  const double delay = std::max(waited, cost.steal_share);
  const LoadReport::Latency& latency = trial.load->latency_us;
  // As for the client: all that it waited, together.
  const double waited_us =
      trial.load->due_rps > 0
          ? 1e6 * delay * static_cast<double>(trial.load->requests) / trial.load->due_rps
          : latency.p99;
  if (common.empty() && delay > server_delay_limit && !is_saturated(trial, circumstances) &&
      waited_us >= latency.p99 - latency.p50 && latency.p99 > long_tail * latency.p50) {
    judgement.add(Verdict::suspect, "tail_not_the_servers",
                  fmt::format("the machine kept the server from its CPU (steal {}, run queue "
                              "{} of the time): the tail isn't its own",
                              percent(cost.steal_share, 1), percent(waited, 1)));
  }
}

}  // namespace

Judgement judge_trial(const Trial& trial, const TrialCircumstances& circumstances) {
  Judgement judgement;
  if (trial.outcome.kind == OutcomeKind::over_limit ||
      trial.outcome.kind == OutcomeKind::not_possible) {
    judgement.add(Verdict::not_possible, "not_possible", trial.outcome.sentence);
    return judgement;
  }
  if (!trial.load) {
    judgement.add(Verdict::invalid, "failed", trial.outcome.sentence);
    return judgement;
  }
  judgement = trial.parts.empty() ? judge(*trial.load)
                                  : judge(*trial.load, trial.parts, circumstances.window);
  if (trial.outcome.kind == OutcomeKind::failed && judgement.verdict != Verdict::invalid) {
    judgement.add(Verdict::invalid, "failed", trial.outcome.sentence);
  }
  if (!trial.has_figures() || !trial.cost) return judgement;
  judge_server(trial, circumstances, judgement);
  const bool saturated =
      trial.outcome.kind != OutcomeKind::failed && is_saturated(trial, circumstances);
  if (saturated) {
    // That a server at its limit falls behind is a result about the server.
    const auto is_its_limit = [](const Reason& reason) {
      return reason.code == "achieved_below_offered" || reason.code == "unanswered" ||
             reason.code == "timed_out" || reason.code == "drift";
    };
    Judgement without;
    for (Reason& reason : judgement.reasons) {
      if (is_its_limit(reason)) reason.verdict = Verdict::saturated;
      without.add(reason.verdict, reason.code, reason.sentence);
    }
    judgement = std::move(without);
    // The floor has one CPU.
  } else if (circumstances.client_ceiling_rps && trial.cell.rate > 0 &&
             cpus_it_can_use(*trial.cost, circumstances) <= 1 &&
             trial.load->achieved_rps > near_ceiling_share * *circumstances.client_ceiling_rps) {
    judgement.add(Verdict::suspect, "client_near_limit",
                  fmt::format("{} requests per second are close to the {} that the client "
                              "reaches against the floor",
                              whole_number(trial.load->achieved_rps),
                              whole_number(*circumstances.client_ceiling_rps)));
  }
  return judgement;
}

ServerProcess start(const SweepServer& server, const SweepContext& context) {
  ServerCommand command = server.command;
  command.cpus = context.cpus.server;
  if (server.is_the_users()) command.soft_open_files = context.plan.descriptors;
  return ServerProcess(command,
                       std::chrono::ceil<std::chrono::milliseconds>(context.plan.start_timeout),
                       context.stop);
}

Load load_of(const Cell& cell, const SweepPlan& plan) {
  Load load = plan.load;
  load.idle_connections = cell.idle_connections;
  load.requests_per_second = cell.rate;
  load.seed = plan.seed;
  return load;
}

TrialFigures figures_of(const Load& load, Measurement measurement) {
  return {make_load_report(load, measurement.result), std::move(measurement.cost),
          measurement.outlived_load};
}

void conclude(Trial& trial, const Load& load, TrialFigures figures, const ServerProcess& process,
              const SweepServer& server, const SweepContext& context) {
  trial.load = std::move(figures.load);
  trial.cost = std::move(figures.cost);
  trial.outcome = outcome_of(*trial.load, server);
  const bool interrupted = trial.outcome.kind == OutcomeKind::interrupted;
  const auto fail_with = [&](std::string sentence) {
    trial.outcome = {OutcomeKind::failed, trial.outcome.reason, std::move(sentence)};
  };
  if (!figures.outlived_load && trial.outcome.kind == OutcomeKind::starved) {
    // When a load can't be completed its connections are reset, on which a server may well end.
    trial.outcome.sentence += "; then it ended" + process.last_words();
  } else if (!figures.outlived_load && !interrupted) {
    fail_with("the server process ended by itself");
  } else if (!process.listens_itself() && trial.outcome.kind == OutcomeKind::measured) {
    fail_with(
        fmt::format("who listens on {} was not started by its command, as a proxy isn't: its CPU "
                    "time can't be told; start the server itself, or measure latency with: echomux "
                    "swarm",
                    process.endpoint().to_string()));
  }
  const bool went_well = trial.outcome.kind == OutcomeKind::measured || interrupted;
  const std::uint64_t needed = load.connections() + spare_descriptors;
  if (!went_well && server.is_the_users() && needed > context.plan.descriptors.value_or(needed)) {
    trial.outcome.sentence +=
        fmt::format("; it may open {} descriptors: --descriptors {} gives it more",
                    *context.plan.descriptors, needed);
  }
  if (trial.outcome.kind == OutcomeKind::failed) trial.outcome.sentence += process.last_words();
  // Of clients elsewhere, whose parts these are, no CPU is the server's.
  trial.judgement =
      judge_trial(trial, {.client_cpus = trial.parts.empty() ? usable_cpus() : std::vector<int>(),
                          .client_ceiling_rps = context.client_ceiling_rps,
                          .never_sleeps = server.never_sleeps,
                          .hands_over = server.hands_over,
                          .most_cpus = server.most_cpus,
                          .window = load.duration});
  if (trial.has_figures() && !process.seen_to_listen()) {
    trial.judgement.add(Verdict::suspect, "listener_unknown",
                        "this user may not see whether who listens is one of the processes that "
                        "its command has started, whose CPU time is given");
  }
  if (figures.outlived_load && trial.outcome.kind == OutcomeKind::measured &&
      process.ends_within(server.is_anybodys() ? time_to_end_on_reset
                                               : std::chrono::milliseconds(0))) {
    trial.judgement.add(Verdict::valid, "ended_on_reset",
                        "the server ended when its peers reset their connections at the end; the "
                        "figures are from before" +
                            process.last_words());
  }
}

void note_end(Trial& trial, const ServerExit& end) {
  if (!end.left_some) return;
  trial.judgement.add(Verdict::suspect, "left_running", std::string(left_some_words));
}

void fail(Trial& trial, OutcomeKind kind, const std::string& why) {
  trial.outcome = {kind, RunEnd::not_run, why};
  trial.load.reset();
  trial.cost.reset();
  trial.judgement = judge_trial(trial, {});
}

std::uint64_t memory_needed(const Trial& trial, const SweepServer& server) {
  return (trial.cell.idle_connections + trial.active_connections) *
         (server.thread_per_connection ? threaded_connection_bytes : connection_bytes);
}

std::string lacking_memory(std::uint64_t needed, std::uint64_t room, std::string_view because) {
  constexpr std::uint64_t mib = 1'048'576;
  return fmt::format(
      "not possible: {}it takes about {} MiB for its connections, and {} MiB of memory are left",
      because, needed / mib, room / mib);
}

void run_trial(Trial& trial, const SweepServer& server, const SweepContext& context) {
  ServerProcess process = start(server, context);
  const Load load = load_of(trial.cell, context.plan);
  std::optional<KeepAwake> awake;
  if (context.plan.keep_awake) {
    // A server that never sleeps needs nobody to keep its CPU awake.
    const CpuPlan& cpus = context.cpus;
    const bool client_only = server.never_sleeps && cpus.client;
    awake.emplace(client_only ? std::vector<int>{*cpus.client} : cpus.usable, cpus.usable);
  }
  Measurement measurement = measure(process, load, context.stop);
  awake.reset();
  conclude(trial, load, figures_of(load, std::move(measurement)), process, server, context);
  note_end(trial, process.stop());
}

SystemCallCount count_system_calls(const Cell& cell, StandingLoad& load) {
  SystemCallCount count{.cell = cell, .per_request = std::nullopt, .unavailable = {}};
  try {
    count.per_request = load.count_system_calls(counting_warmup, counting_time);
    if (!count.per_request) count.unavailable = "no request was answered in the counting pass";
  } catch (const std::exception& error) {
    count.unavailable = error.what();
  }
  return count;
}

SystemCallCount count_system_calls(const Cell& cell, const SweepServer& server,
                                   const SweepContext& context) {
  try {
    ServerProcess process = start(server, context);
    StandingLoad standing(process, load_of(cell, context.plan), StandingLoad::Idle::here,
                          context.stop);
    standing.open();
    if (standing.going_on()) return count_system_calls(cell, standing);
    return {cell, std::nullopt, "the counting pass was not completed"};
  } catch (const std::exception& error) {
    return {cell, std::nullopt, error.what()};
  }
}

std::optional<double> measure_client_ceiling(const SweepServer& floor,
                                             const SweepContext& context) {
  try {
    const ServerProcess process = start(floor, context);
    Load load = load_of({}, context.plan);
    load.warmup = std::chrono::milliseconds(50);
    load.duration = std::chrono::milliseconds(300);
    SwarmResult result;
    for (int attempt = 0; attempt < 3; ++attempt) {
      result = run_swarm({process.endpoint(), load}, context.stop);
      if (result.outcome.reason == RunEnd::interrupted) return std::nullopt;
      // A client that was stopped meanwhile says nothing of what it reaches.
      if (result.outcome.reason != RunEnd::completed ||
          (result.window_requests > 0 && result.delays.stood_still < load.duration / 10)) {
        break;
      }
      result.outcome.end(RunEnd::starved);
      result.outcome.sentence = "the client stood still in each of three attempts";
    }
    if (result.outcome.reason != RunEnd::completed) {
      const std::string& why = result.outcome.sentence;
      throw std::runtime_error(why.empty() ? fmt::format("the load on it ended early ({})",
                                                         to_string(result.outcome.reason))
                                           : why);
    }
    return static_cast<double>(result.window_requests) / to_seconds(load.duration);
  } catch (const std::exception&) {
    if (context.stop.stop_requested()) return std::nullopt;
    throw;
  }
}

}  // namespace echomux
