#include <fmt/core.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>

#include "cli/bench_plan.hpp"
#include "cli/bench_run.hpp"
#include "cli/output.hpp"
#include "cli/signal_thread.hpp"
#include "harness/bench/server_meter.hpp"
#include "harness/bench/trial.hpp"
#include "harness/machine/addresses.hpp"
#include "harness/machine/keep_awake.hpp"
#include "harness/results/results_file.hpp"
#include "harness/text/field_json.hpp"
#include "harness/text/json.hpp"
#include "harness/text/words.hpp"
#include "mpi/joint_load.hpp"
#include "mpi/run.hpp"

namespace echomux {
namespace {

// Rank 0 is the servers' host. The others are clients.
constexpr int first_client = 1;

struct Arguments {
  MpiArguments mpi;
  BenchArguments bench;
  std::string address;
};

// Where the clients find the servers of this host. Throws UsageError.
std::string choose_address(const Arguments& arguments) {
  if (!arguments.address.empty()) return arguments.address;
  const std::vector<std::string> own = own_addresses();
  if (own.size() == 1) return own.front();
  throw UsageError(
      own.empty()
          ? "this host has no address but those of its loopback network; say with --address "
            "where the clients find it"
          : fmt::format("this host has several addresses ({}); say with --address by which "
                        "the clients find it",
                        joined(own, ", ")));
}

// The server as it is started for clients on other hosts.
SweepServer open_to_others(SweepServer server, const std::string& address) {
  std::vector<std::string>& words = server.command.arguments;
  if (server.command.speaks_echomux) {
    words.insert(words.end(), {"--host", address, "--remote"});
  } else if (server.is_floor) {
    words.back() = address + ":" + words.back();
  } else if (!server.is_the_users()) {
    throw UsageError(
        "the servers in peers/ listen on 127.0.0.1 alone, where no other host finds "
        "them; leave them out");
  }
  return server;
}

// What rank 0 tells the clients: a load on this server, or (an empty text) that there is no more.
std::string as_message(const JointLoad& joint) {
  return Json{{"server", joint.server.to_string()},
              {"load", to_json(joint.load)},
              {"measure_ranks", joint.measure_ranks}}
      .dump();
}

JointLoad from_message(const std::string& text) {
  const Json json = Json::parse(text);
  JointLoad joint{.server = parse_endpoint(json.at("server").get<std::string>()),
                  .load = {},
                  .first_client = first_client,
                  .measure_ranks = json.at("measure_ranks").get<std::size_t>()};
  read_json(json.at("load"), joint.load);
  return joint;
}

void be_client(World& world, const std::stop_token& stop) {
  for (std::string message = world.broadcast(""); !message.empty(); message = world.broadcast("")) {
    static_cast<void>(put_on(world, from_message(message), {}, stop));
  }
}

// Rank 0's side.
class ServersHost {
 public:
  ServersHost(World& world, const Arguments& arguments, const Attendance& attendance)
      : world_(world),
        arguments_(arguments),
        attendance_(attendance),
        address_(choose_address(arguments)) {}

  void sweep(const SweepTask& task) {
    std::vector<SweepServer> servers;
    for (const SweepServer& server : task.servers) {
      servers.push_back(open_to_others(server, address_));
    }
    run_sweep(task.plan, servers, std::nullopt, task.done, task.observer, task.stop,
              [this](Trial& trial, const SweepServer& server, const SweepContext& context) {
                run_trial(trial, server, context);
              });
    if (lost_.empty() && task.stop.stop_requested()) lost_ = attendance_.lost();
  }

  // Which ranks were lost, and where; empty while none was.
  [[nodiscard]] const std::string& lost() const noexcept { return lost_; }

 private:
  void run_trial(Trial& trial, const SweepServer& server, const SweepContext& context) {
    try {
      measure_trial(trial, server, context);
    } catch (const std::exception&) {
      // mpirun tells this rank to end when another has died.
      if (context.stop.stop_requested()) lost_ = attendance_.lost();
      if (lost_.empty()) throw;
      fail(trial, OutcomeKind::failed, lost_);
      trial.judgement = {};
      trial.judgement.add(Verdict::invalid, std::string(rank_lost), lost_);
    }
  }

  void measure_trial(Trial& trial, const SweepServer& server, const SweepContext& context) {
    ServerProcess process = start(server, context);
    std::optional<KeepAwake> awake;
    const std::vector<int> awake_cpus =
        context.cpus.server.empty() ? context.cpus.usable : context.cpus.server;
    if (context.plan.keep_awake && !server.never_sleeps) awake.emplace(awake_cpus, awake_cpus);
    ServerMeter meter(process);
    const JointLoad joint{.server = resolve(address_, process.endpoint().port()),
                          .load = load_of(trial.cell, context.plan),
                          .first_client = first_client,
                          .measure_ranks = arguments_.mpi.measure_ranks};
    const Readings readings{.connections_open = [&] { meter.connections_open(); },
                            .window_begin = [&] { meter.window_begin(); },
                            .window_end = [&] { meter.window_end(); }};
    static_cast<void>(world_.broadcast(as_message(joint)));
    JointResult result = put_on(world_, joint, readings, context.stop);
    awake.reset();
    if (!result.failure.empty()) throw std::runtime_error(result.failure);
    trial.parts = std::move(result.parts);
    TrialFigures figures{.load = std::move(result.whole), .cost = {}, .outlived_load = true};
    figures.outlived_load = process.running();
    if (result.measured_requests > 0 && process.listens_itself()) {
      SwarmResult measured;
      measured.measured_requests = result.measured_requests;
      measured.measured_time = result.measured_time;
      figures.cost = meter.cost(joint.load, measured);
    }
    conclude(trial, joint.load, std::move(figures), process, server, context);
    note_end(trial, process.stop());
  }

  World& world_;
  const Arguments& arguments_;
  const Attendance& attendance_;
  std::string address_;
  std::string lost_;
};

int be_servers_host(World& world, const Arguments& arguments, const Attendance& attendance) {
  ServersHost host(world, arguments, attendance);
  const int status = run_bench(
      arguments.bench, [&](const SweepTask& task) { host.sweep(task); }, attendance.stop());
  if (host.lost().empty()) return status;
  std::cerr << fmt::format("echomux-mpi: {}\n", host.lost());
  return exit_failure;
}

// One that was measured in another way would be gone on with in this one.
void check_resumed(const std::string& file) {
  const Results results = read_results(file);
  const bool ours = std::ranges::all_of(
      results.trials, [](const Trial& trial) { return !trial.parts.empty() || !trial.load; });
  if (!ours || results.context.plan.slice > std::chrono::nanoseconds(0)) {
    throw UsageError(fmt::format("{} is a run of echomux bench; go on with that", file));
  }
}

// The others hear that there is no more, whatever has ended it here.
void end_for_all(World& world, Attendance& attendance) {
  try {
    static_cast<void>(world.broadcast(""));
    attendance.leave();
  } catch (const std::exception&) {
    // They are told by mpirun.
  }
}

int run(World& world, Arguments arguments) {
  arguments.bench.fresh = true;
  arguments.bench.program = "echomux-mpi";
  Interruption signals;
  try {
    Attendance attendance(world, arguments.mpi, signals.token());
    if (!attendance.has_work()) return exit_ok;
    if (world.rank() != 0) {
      be_client(world, attendance.stop());
      attendance.leave();
      return exit_ok;
    }
    int status = exit_ok;
    try {
      if (!arguments.bench.resume.empty()) check_resumed(arguments.bench.resume);
      if (!arguments.mpi.remote) {
        throw UsageError(
            "the servers will listen on an address that other machines reach, and be "
            "loaded from there; --remote says that the network is yours");
      }
      if (world.size() <= first_client) {
        throw UsageError(
            "there is no client: rank 0 is the servers' host, and the others load "
            "them; mpirun -np 2 or more");
      }
      status = be_servers_host(world, arguments, attendance);
    } catch (const std::exception&) {
      end_for_all(world, attendance);
      throw;
    }
    end_for_all(world, attendance);
    return status;
  } catch (const Stopped&) {
    return exit_interrupted;
  }
}

}  // namespace

Command mpi_bench_command(World& world) {
  const auto to = std::make_shared<Arguments>();
  std::vector<Option> options = plan_options(to->bench);
  std::vector<std::string> plan;
  plan.reserve(options.size());
  for (const Option& option : options) plan.push_back(names_of(option).back());
  const std::vector<Option> ours = mpi_options(to->mpi);
  options.insert(options.end(), ours.begin(), ours.end());
  options.insert(options.end(),
                 {{"--address", "Where the clients find rank 0's host (default: its only address)",
                   &to->address},
                  {"--resume", "Go on with the run in this results file, where it was ended",
                   file(&to->bench.resume), plan},
                  {"--format", "What rank 0 prints",
                   one_of(&to->bench.format, {"text", "markdown", "csv", "json"})},
                  force_option(to->bench.force),
                  {"--no-report", "Don't make the page to look at", &to->bench.no_report},
                  {"--strict", "Exit with status 3 when a trial isn't valid", &to->bench.strict}});
  return {"bench", "Compare the servers of rank 0's host, loaded by all other ranks", options,
          "Each trial has a fresh server, as with 'echomux bench --fresh'. Rank 0 starts the "
          "servers and reads what they use; the load is divided among the other ranks.\nExit "
          "status of rank 0: 0 measured, 1 a server or the run failed or a rank was lost, 2 wrong "
          "use, 3 not valid with --strict, 130 interrupted.",
          [to, &world] { return run(world, *to); }};
}

}  // namespace echomux
