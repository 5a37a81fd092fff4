#include "harness/sweep.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>

#include "echo/system_call.hpp"
#include "harness/cpu.hpp"
#include "harness/swarm.hpp"

namespace echomux {
namespace {

// A server whose CPU is busier than this does nothing but catch up, though batching lets it answer
// every request still, later.
constexpr double saturated_share = 0.95;
// What a server or the client needs beside its connections: the standard streams, a listener, an
// epoll instance, a few for signals and the pipe between them.
constexpr std::size_t spare_descriptors = 24;

double to_us(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

double to_seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

Trial::Latency summarize(const LatencyHistogram& histogram) {
  return {.p50 = to_us(histogram.percentile(50)),
          .p90 = to_us(histogram.percentile(90)),
          .p99 = to_us(histogram.percentile(99)),
          .p99_9 = to_us(histogram.percentile(99.9)),
          .max = to_us(histogram.max()),
          .mean = to_us(histogram.mean())};
}

// The server's clock and counters at one moment.
struct Reading {
  std::chrono::nanoseconds cpu{0};
  std::map<std::string, std::uint64_t> counters;
};

std::map<std::string, std::uint64_t> difference(const Reading& begin, const Reading& end) {
  std::map<std::string, std::uint64_t> result;
  for (const auto& [name, value] : end.counters) {
    const auto before = begin.counters.find(name);
    if (before != begin.counters.end()) result[name] = value - before->second;
  }
  return result;
}

// Divides what was measured by the requests it was measured over.
void fill_in_figures(Trial& trial, const SwarmOptions& load, const SwarmResult& result,
                     const Reading& begin, const Reading& end) {
  const auto requests = static_cast<double>(std::max<std::uint64_t>(result.measured_requests, 1));
  const std::chrono::nanoseconds server_cpu = end.cpu - begin.cpu;
  trial.achieved_rps = static_cast<double>(result.window_requests) / to_seconds(load.duration);
  trial.requests = result.measured_requests;
  trial.requests_unanswered = result.requests_unanswered;
  trial.latency_us = summarize(result.latency);
  trial.latency_uncorrected_us = summarize(result.latency_uncorrected);
  trial.server_cpu_us_per_request = to_us(server_cpu) / requests;
  trial.server_cpu_busy_share = to_seconds(server_cpu) / to_seconds(result.measured_time);
  trial.client_cpu_us_per_request = to_us(result.client_cpu) / requests;
  trial.client_cpu_busy_share = to_seconds(result.client_cpu) / to_seconds(result.measured_time);
  trial.counters = difference(begin, end);
  trial.saturated = trial.server_cpu_busy_share >= saturated_share;
}

void judge_end(Trial& trial, const SweepServer& server, const SwarmResult& result) {
  const std::size_t confirmed = result.idle_confirmed + result.active_confirmed;
  switch (result.end) {
    case SwarmEnd::completed:
      if (trial.saturated) {
        trial.note = server.never_sleeps ? "saturated (never sleeps)" : "saturated";
      }
      if (trial.requests_unanswered > 0) {
        trial.note += fmt::format("{}{} unanswered", trial.note.empty() ? "" : ", ",
                                  trial.requests_unanswered);
      }
      break;
    case SwarmEnd::starved:
      trial.outcome = TrialOutcome::starved;
      trial.note = fmt::format("starved: {} of {} served", result.active_confirmed,
                               trial.active_connections);
      break;
    case SwarmEnd::refused:
      trial.outcome = server.max_connections ? TrialOutcome::over_limit : TrialOutcome::failed;
      trial.note = server.max_connections
                       ? fmt::format("limit {}", *server.max_connections)
                       : fmt::format("turned away after {} connections", confirmed);
      break;
    case SwarmEnd::server_gone:
      trial.outcome = TrialOutcome::failed;
      trial.note = "the server ended all active connections";
      break;
    case SwarmEnd::corrupted:
      trial.outcome = TrialOutcome::failed;
      trial.note = "corrupt: " + result.detail;
      break;
    case SwarmEnd::interrupted:
      trial.outcome = TrialOutcome::interrupted;
      trial.note = "interrupted";
      break;
  }
  if (trial.outcome == TrialOutcome::measured && result.connections_lost > 0) {
    trial.outcome = TrialOutcome::failed;
    trial.note = fmt::format("{} connections lost", result.connections_lost);
  }
}

// True when the trial need not be run, since it is known that it can't be.
bool ruled_out(Trial& trial, const SweepServer& server, std::uint64_t descriptor_limit) {
  const std::size_t connections = trial.idle_connections + trial.active_connections;
  const std::size_t needed = connections + spare_descriptors;
  // A server that serves one peer at a time is run all the same: that it starves the others is its
  // lesson, not a limit that someone has set.
  if (server.max_connections > 1 && connections > *server.max_connections) {
    trial.outcome = TrialOutcome::over_limit;
    trial.note = fmt::format("limit {}", *server.max_connections);
    return true;
  }
  if (needed > descriptor_limit) {
    trial.outcome = TrialOutcome::not_possible;
    trial.note = fmt::format(
        "not possible: needs {} descriptors, the limit is {} (raise it: ulimit -Hn {}, as root)",
        needed, descriptor_limit, needed);
    return true;
  }
  return false;
}

void run_trial(Trial& trial, const SweepServer& server, const SweepOptions& options,
               const CpuPlan& cpus, const std::stop_token& stop) {
  ServerCommand command = server.command;
  command.cpu = cpus.server;
  ServerProcess process(command);

  Reading begin;
  Reading end;
  const auto read = [&](Reading& reading) {
    reading.counters = process.counters().value_or(std::map<std::string, std::uint64_t>{});
    reading.cpu = process.cpu_time().value_or(begin.cpu);
  };
  SwarmOptions load;
  load.server = process.endpoint();
  load.idle_connections = trial.idle_connections;
  load.active_connections = options.active_connections;
  load.message_bytes = options.message_bytes;
  load.requests_per_second = options.requests_per_second;
  load.warmup = options.warmup;
  load.duration = options.duration;
  load.on_window_begin = [&] { read(begin); };
  load.on_window_end = [&] { read(end); };

  const SwarmResult result = run_swarm(load, stop);
  trial.open_ms = to_us(result.open_time) / 1000;
  trial.offered_rps = options.requests_per_second;
  trial.connections_lost = result.connections_lost;
  if (result.measured_requests > 0) fill_in_figures(trial, load, result, begin, end);
  judge_end(trial, server, result);
  if (!process.running() && trial.outcome != TrialOutcome::interrupted) {
    trial.outcome = TrialOutcome::failed;
    trial.note = "the server process ended by itself";
  }
}

}  // namespace

std::string_view to_string(TrialOutcome outcome) noexcept {
  switch (outcome) {
    case TrialOutcome::measured:
      return "measured";
    case TrialOutcome::starved:
      return "starved";
    case TrialOutcome::over_limit:
      return "over_limit";
    case TrialOutcome::not_possible:
      return "not_possible";
    case TrialOutcome::failed:
      return "failed";
    case TrialOutcome::interrupted:
      return "interrupted";
  }
  return "";
}

std::optional<double> Trial::scanned_per_request() const {
  const auto scanned = counters.find("descriptors_scanned");
  if (scanned == counters.end() || requests == 0) return std::nullopt;
  return static_cast<double>(scanned->second) / static_cast<double>(requests);
}

std::optional<double> Trial::system_calls_per_request() const {
  if (counters.empty() || requests == 0) return std::nullopt;
  std::uint64_t calls = 0;
  for (const char* const name :
       {"waits", "recv_calls", "send_calls", "interest_changes", "accept_calls"}) {
    const auto counter = counters.find(name);
    if (counter != counters.end()) calls += counter->second;
  }
  return static_cast<double>(calls) / static_cast<double>(requests);
}

CpuPlan plan_cpus(bool pin) {
  const std::vector<int> cpus = usable_cpus();
  if (!pin) {
    return {.server = std::nullopt,
            .client = std::nullopt,
            .explanation = "not pinned: server and client run on whichever CPU the system chooses"};
  }
  if (cpus.size() < 2) {
    return {.server = std::nullopt,
            .client = std::nullopt,
            .explanation = "not pinned: server and client share the only CPU there is"};
  }
  // The first CPU takes most interrupts, so the client gets it and the server is left alone.
  return {.server = cpus.back(),
          .client = cpus.front(),
          .explanation =
              fmt::format("pinned: server on CPU {}, client on CPU {}", cpus.back(), cpus.front())};
}

std::uint64_t raise_descriptor_limit() {
  rlimit limit{};
  check(::getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
  limit.rlim_cur = limit.rlim_max;
  check(::setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
  return limit.rlim_cur;
}

void run_sweep(const SweepOptions& options, const SweepObserver& observer,
               const std::stop_token& stop) {
  const std::uint64_t descriptor_limit = raise_descriptor_limit();
  const CpuPlan cpus = plan_cpus(options.pin);
  if (cpus.client) run_on_cpus({*cpus.client});
  for (const std::size_t idle : options.idle_connections) {
    for (const SweepServer& server : options.servers) {
      if (stop.stop_requested()) return;
      Trial trial;
      trial.server = server.name;
      trial.idle_connections = idle;
      trial.active_connections = options.active_connections;
      observer.before(trial);
      try {
        if (!ruled_out(trial, server, descriptor_limit)) {
          run_trial(trial, server, options, cpus, stop);
        }
      } catch (const std::exception& error) {
        // One server that can't be started or connected to must not cost the others their trials.
        trial.outcome = TrialOutcome::failed;
        trial.note = error.what();
      }
      observer.after(trial);
    }
  }
}

}  // namespace echomux
