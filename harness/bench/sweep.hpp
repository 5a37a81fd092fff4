#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "harness/load/load_report.hpp"
#include "harness/load/merged_load.hpp"
#include "harness/server/process_meter.hpp"
#include "harness/server/server_process.hpp"

namespace echomux {

// Which server takes part, in terms that mean the same on any machine.
struct ServerSpec {
  std::string name;                  // what the tables call it
  std::string backend;               // one of the suite's own, or "floor"; empty for a foreign one
  std::vector<std::string> options;  // further ones for `echomux serve`
  std::string command;               // of a foreign one, as the user gave it
};

// How to run it here, and what the harness must know of its limits.
struct SweepServer {
  ServerCommand command;  // its `cpus` are set by the sweep
  std::optional<std::size_t> max_connections;
  bool never_sleeps = false;
  bool thread_per_connection = false;
  bool hands_over = false;  // one of its threads waits for peers, and hands them to others
  // That it can use at the same time, where it may.
  std::size_t most_cpus = 1;
  bool is_floor = false;  // what the others of its row are divided by

  // Neither one of the suite's own nor the floor.
  [[nodiscard]] bool is_anybodys() const noexcept { return !command.speaks_echomux && !is_floor; }
  // What the user has given a command for. (Those in peers/ are known to echo all bytes.)
  [[nodiscard]] bool is_the_users() const noexcept {
    return is_anybodys() && !command.echoes_all_bytes;
  }
};

// What a sweep measures: every server beside every number of idle connections at every rate, as
// often as `repetitions` says, each trial with a fresh server process under `load` otherwise. All
// servers of a row, beside as many idle connections at the same rate, stand side by side and are
// loaded in turn, in slices: see row.hpp.
struct SweepPlan {
  std::vector<ServerSpec> servers;
  std::vector<std::size_t> idle_connections;
  std::vector<double> rates;  // requests per second in all; zero: closed loop
  Load load;
  std::size_t repetitions = 1;
  // Of the windows that a trial's `load.duration` is cut into; zero: each trial stands alone, and
  // has one window.
  std::chrono::nanoseconds slice{0};
  // How many descriptors a server of the user's may open, as its soft limit; the others have as
  // many as the system allows. None: there is no such server.
  std::optional<std::uint64_t> descriptors;
  // How long a server may take until it listens.
  std::chrono::nanoseconds start_timeout = std::chrono::seconds(10);
  std::uint64_t seed = 1;        // of the order of the trials
  bool pin = true;               // server and client on one CPU each, where there are two
  std::vector<int> server_cpus;  // that the server is pinned to instead; empty: one is chosen
  bool keep_awake = true;        // those CPUs don't sleep; see keep_awake.hpp
  bool count_system_calls = false;
};

// ", in slices of 20 ms, in turn with the other servers"; nothing where each stands alone.
[[nodiscard]] std::string slices_in_words(const SweepPlan& plan);

// What is measured several times: the same server under the same load.
struct Cell {
  std::string server;
  std::size_t idle_connections = 0;
  double rate = 0;

  friend bool operator==(const Cell&, const Cell&) = default;
};

template <typename Visit>
void for_each_field(Of<Cell>, Visit visit) {
  visit({"server"}, &Cell::server);
  visit({"idle_connections"}, &Cell::idle_connections);
  visit({"rate", "Requests per second in all; 0 is a closed loop."}, &Cell::rate);
}

// One repetition of one cell.
struct Trial {
  Cell cell;
  std::size_t repetition = 1;  // counts from one
  std::size_t active_connections = 0;
  RunOutcome outcome;
  Judgement judgement;
  std::optional<LoadReport> load;  // none when it was never run
  std::optional<ServerCost> cost;  // none when nothing was measured
  // What each of the clients saw, where there were several: their sum is the load.
  std::vector<LoadPart> parts;

  // True when it has figures: at least one request was answered in the window. Of a server that
  // several clients have loaded from elsewhere there may be no cost.
  [[nodiscard]] bool has_figures() const {
    return (cost || !parts.empty()) && load && load->requests > 0;
  }
};

template <typename Visit>
void for_each_field(Of<Trial>, Visit visit) {
  visit({}, &Trial::cell);
  visit({"repetition", "Counts from one."}, &Trial::repetition);
  visit({"active_connections"}, &Trial::active_connections);
  visit(
      {"outcome"}, [](auto& trial) -> auto& { return trial.outcome.kind; });
  visit(
      {"note", "One clause that says what happened, where something did."},
      [](auto& trial) -> auto& { return trial.outcome.sentence; });
  visit({}, &Trial::judgement);
  visit({"load", "Null when the trial was never run."}, &Trial::load);
  visit({"cost", "Null when nothing was measured."}, &Trial::cost);
  visit({.name = "parts",
         .explanation = "What each client saw, where several put the load on together.",
         .since = 7},
        &Trial::parts);
}

// What only the sweep knows when it judges a trial.
struct TrialCircumstances {
  std::vector<int> client_cpus;              // that the client may use
  std::optional<double> client_ceiling_rps;  // what it reaches against the floor, closed loop
  bool never_sleeps = false;                 // busy is what this server always is
  bool hands_over = false;                   // see SweepServer
  std::size_t most_cpus = 1;                 // likewise
  std::chrono::nanoseconds window{0};        // of a load with parts
};

// Judges a trial that was run: by its load, by what it cost, and by the circumstances.
[[nodiscard]] Judgement judge_trial(const Trial& trial, const TrialCircumstances& circumstances);

// The system calls that a cell's server makes for each request, counted in a pass of its own, for
// counting takes time; or why there is no such figure.
struct SystemCallCount {
  Cell cell;
  std::optional<double> per_request;
  std::string unavailable;
};

template <typename Visit>
void for_each_field(Of<SystemCallCount>, Visit visit) {
  visit({}, &SystemCallCount::cell);
  visit({"per_request"}, &SystemCallCount::per_request);
  visit({"unavailable", "Why there is no such figure."}, &SystemCallCount::unavailable);
}

// Which CPUs a sweep uses; none when it doesn't pin.
struct CpuPlan {
  std::vector<int> server;
  std::optional<int> client;
  std::vector<int> usable;  // by server or client
  std::string explanation;  // one sentence for the user
};
// `server` are those that the server is to have, which leave one for the client; empty: it is
// chosen.
[[nodiscard]] CpuPlan plan_cpus(bool pin, bool keep_awake, const std::vector<int>& server = {});

// The soft limit of open descriptors with which this process was started, before it was raised.
[[nodiscard]] std::uint64_t descriptor_limit_at_start();

// Raises this process's limit of open descriptors (and so that of the servers it starts) as far as
// it is allowed to, and returns it.
std::uint64_t raise_descriptor_limit();

// One entry of the order in which a sweep goes.
struct ScheduledTrial {
  std::size_t server;  // index into the plan's servers
  Cell cell;
  std::size_t repetition;
};

// All trials of a plan. Each repetition has all cells once, in a random order of its own; in slices
// the cells of a row follow each other, and the first repetition begins with the rows of the most
// and the fewest idle connections. So whatever the machine does in the course of time falls on all
// of them alike.
[[nodiscard]] std::vector<ScheduledTrial> schedule_trials(const SweepPlan& plan);

// Called as the sweep goes on.
struct SweepObserver {
  std::function<void(const Trial&)> before = [](const Trial&) {};  // only its cell and repetition
  // A row that is measured in slices has come to this round of so many.
  std::function<void(std::size_t, std::size_t)> round = [](std::size_t, std::size_t) {};
  std::function<void(const Trial&)> after = [](const Trial&) {};
  std::function<void(const SystemCallCount&)> counted = [](const SystemCallCount&) {};
  std::function<void(double)> ceiling = [](double) {};  // the client's, in requests per second
  // Another process measures on these CPUs, too; told once.
  std::function<void(const std::vector<int>&)> shared_cpus = [](const std::vector<int>&) {};
  // Why it could not be measured; the sweep goes on without.
  std::function<void(const std::string&)> no_ceiling = [](const std::string&) {};
};

// What a sweep that goes on after an interruption has already.
struct SweepDone {
  std::vector<Trial> trials;
  std::vector<SystemCallCount> system_calls;
  std::optional<double> client_ceiling_rps;
};

struct SweepContext;

// How a trial that stands alone is run: fills in all but its cell and repetition, or throws
// std::exception when its server can't be started or connected to.
using TrialRunner = std::function<void(Trial&, const SweepServer&, const SweepContext&)>;

// The code of the reason why a trial is invalid whose load was put on by several clients, one of
// which has died.
inline constexpr std::string_view rank_lost = "rank_lost";

// Runs what is not done yet, one trial after the other. `servers` are those of the plan, in its
// order; `floor` is what the client's own limit is measured against, when it is there. Stops early
// when asked to; the trial that this cuts off is reported as interrupted. Pins the calling thread
// if the plan says so. A server that fails is a trial that says so; only what makes every trial
// impossible is thrown, as std::exception. `run_alone` runs what isn't in slices; without it, the
// clients are in this process.
void run_sweep(const SweepPlan& plan, const std::vector<SweepServer>& servers,
               const std::optional<SweepServer>& floor, const SweepDone& done,
               const SweepObserver& observer, const std::stop_token& stop,
               const TrialRunner& run_alone = {});

}  // namespace echomux
