// What does a well-behaved peer notice of hostile ones? Its latency before, beside and after them,
// and what they cost the server, for each kind of hostility and each server: './run hostile'. Only
// on the loopback network, and bounded in number and time.
#include <fmt/core.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <stop_token>

#include "cli/backends.hpp"
#include "cli/command.hpp"
#include "cli/signal_thread.hpp"
#include "harness/bench/measure.hpp"
#include "harness/bench/sweep.hpp"
#include "harness/machine/build_info.hpp"
#include "harness/machine/cpu.hpp"
#include "harness/machine/keep_awake.hpp"
#include "harness/machine/machine.hpp"
#include "harness/text/json.hpp"
#include "harness/text/whole_file.hpp"
#include "tests/endurance/hostile_report.hpp"

namespace {

using namespace echomux;

struct Options {
  std::vector<std::string> backends;
  std::vector<std::string> kinds;
  std::size_t rounds = 7;
  std::filesystem::path directory;
  bool pin = true;
};

HostileTarget target_of(const std::string& name, const Options& options) {
  HostileTarget target{.name = name,
                       .command = measure::server_command(name),
                       .max_connections = find_backend(name)->max_connections,
                       .thread_per_connection = name == "threaded"};
  if (!options.pin) target.command.cpu.reset();
  return target;
}

// Keeps the CPUs awake as the harness does: not the server's where that never sleeps.
std::unique_ptr<KeepAwake> keep_awake(const HostileTarget& target, const Options& options) {
  std::vector<int> cpus = usable_cpus();  // the client's alone
  if (!options.pin || !target.command.cpu) return nullptr;
  if (target.name != "busy_poll") cpus.push_back(*target.command.cpu);
  return std::make_unique<KeepAwake>(cpus);
}

struct Plan {
  std::vector<HostileTarget> targets;
  std::vector<HostileKind> kinds;

  [[nodiscard]] static std::size_t rounds_of(const HostileKind& kind, const Options& options) {
    // Gigabytes take their time; once through is 3.6 GB of evidence.
    return kind.lasts_until_done ? 1 : options.rounds;
  }
};

Plan plan_of(const Options& options) {
  Plan plan{.targets = {}, .kinds = hostile_kinds()};
  for (const std::string& name : options.backends) {
    plan.targets.push_back(target_of(name, options));
  }
  std::erase_if(plan.kinds, [&](const HostileKind& kind) {
    return std::ranges::find(options.kinds, kind.name) == options.kinds.end();
  });
  return plan;
}

// In each round every kind and every server, which rotate, so that what the machine does to a round
// falls on all of them in turn.
std::vector<HostileTrial> try_all(const Plan& plan, const Options& options,
                                  const std::stop_token& stop) {
  std::size_t all = 0;
  for (const HostileKind& kind : plan.kinds) {
    all += Plan::rounds_of(kind, options) * plan.targets.size();
  }
  std::vector<HostileTrial> trials;
  const HostileOptions how{.hostile_give_way = options.pin};
  for (std::size_t round = 1; round <= options.rounds; ++round) {
    for (const HostileKind& kind : plan.kinds) {
      if (round > Plan::rounds_of(kind, options)) continue;
      for (std::size_t i = 0; i < plan.targets.size(); ++i) {
        const HostileTarget& target = plan.targets[(round + i) % plan.targets.size()];
        std::cerr << fmt::format("\r  {} of {}: {}, {}, round {}          ", trials.size() + 1, all,
                                 target.name, kind.name, round)
                  << std::flush;
        const auto awake = keep_awake(target, options);
        HostileTrial trial = try_hostile(target, kind, how, stop);
        if (stop.stop_requested()) return trials;
        trial.round = round;
        trials.push_back(std::move(trial));
      }
    }
  }
  return trials;
}

std::string summary(const Plan& plan, const std::vector<HostileTrial>& trials,
                    const std::string& tables) {
  std::string text =
      "# Hostile peers\n\nMade by `./run hostile`. Beside each kind of hostile peers, which are "
      "there already, a well-behaved one connects\nand sends 200 messages a second; before and "
      "after them it does the same with the server to itself. `hostile.json`\nhas every "
      "trial.\n\n";
  for (const HostileKind& kind : plan.kinds)
    text += fmt::format("- {}: {}\n", kind.name, kind.what);
  text +=
      "\nLatencies in µs, from the moment each message was due; medians of all rounds with 95 % "
      "intervals. \"number\" is of\nhostile connections in one round. Memory is what the server's "
      "heap and stacks grow by at most in any round, beside\nits bound: 4 MiB, and for each peer "
      "1 KiB, or 68 KiB where the server may owe it something; with a thread per peer\n48 and "
      "160 KiB; and, where peers are replaced, 1 (or 48) KiB for each of the 4096 in the backlog. "
      "The hostile client\ngives way to the well-behaved one on the CPU that they share.\n\n";
  text += tables;
  const bool limited =
      std::ranges::any_of(trials, [](const HostileTrial& trial) { return !trial.limit.empty(); });
  if (limited) {
    text +=
        "\nstarved: a server that serves one peer at a time serves the hostile one first. turned "
        "away: the hostile ones had\ntaken all places that the server has by its nature.\n";
  }
  return text;
}

int run(const Options& options, const std::stop_token& stop) {
  raise_descriptor_limit();
  const Plan plan = plan_of(options);
  const std::vector<int> cpus = usable_cpus();
  auto machine = to_json(describe_machine());
  if (options.pin && cpus.size() > 1) run_on_cpus({cpus.front()});
  const std::vector<HostileTrial> trials = try_all(plan, options, stop);
  std::cerr << "\r" << std::string(70, ' ') << "\r";

  Json json{{"program", "hostile_peers"},           {"build", to_json(build_info())},
            {"machine", std::move(machine)},        {"rounds", options.rounds},
            {"interrupted", stop.stop_requested()}, {"trials", Json::array()}};
  for (const HostileTrial& trial : trials) json["trials"].push_back(to_json(trial));
  write_whole_file(options.directory / "hostile.json", json.dump(1) + "\n", "trials");
  write_whole_file(options.directory / "hostile.md",
                   summary(plan, trials, hostile_tables(trials, TableFormat::markdown)), "summary");
  std::cout << hostile_tables(trials, TableFormat::text)
            << fmt::format("\nAll trials: {}\n", (options.directory / "hostile.json").string());
  const bool failed =
      std::ranges::any_of(trials, [](const HostileTrial& trial) { return !trial.failure.empty(); });
  return exit_status(kind_of_all(stop.stop_requested(), failed));
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  std::string directory = "results/hostile";
  std::vector<std::string> all_kinds;
  for (const HostileKind& kind : hostile_kinds()) all_kinds.push_back(kind.name);
  const auto action = [&] {
    if (options.backends.empty()) options.backends = backend_names();
    if (options.kinds.empty()) options.kinds = all_kinds;
    options.directory = directory;
    std::stop_source stop;
    const SignalThread signals({SIGINT, SIGTERM}, [&](int) { stop.request_stop(); });
    return run(options, stop.get_token());
  };
  return parse_and_run(
      {"hostile_peers",
       "Measures a well-behaved peer beside hostile ones, on the loopback network.",
       {{"--backends", "Which servers; all of them unless told",
         one_of(&options.backends, backend_names())},
        {"--kinds", "Which kinds of hostility; all of them unless told",
         one_of(&options.kinds, all_kinds)},
        {"--rounds", "How often; intervals need six", Count{&options.rounds, 1, 1000}},
        {"-o", "Directory for hostile.json and hostile.md", &directory},
        {"!--no-pin", "Let the system place servers and clients", &options.pin}},
       "",
       action},
      argc, argv);
}
