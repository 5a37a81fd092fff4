// What does a well-behaved peer notice of hostile ones? Its latency before, beside and after them,
// and what they cost the server, for each kind of hostility and each server: './run hostile'. Only
// on the loopback network, and bounded in number and time.
#include <fmt/core.h>

#include <algorithm>
#include <iostream>
#include <memory>

#include "cli/backends.hpp"
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "harness/machine/cpu.hpp"
#include "harness/machine/keep_awake.hpp"
#include "harness/results/trial_rows.hpp"
#include "tests/endurance/hostile_trial.hpp"

namespace {

using namespace echomux;

struct Options : EnduranceOptions {
  std::vector<std::string> kinds;
  std::size_t rounds = 7;
};

// Keeps the CPUs awake as the harness does: not the server's where that never sleeps.
std::unique_ptr<KeepAwake> keep_awake(const EnduranceTarget& target, const Options& options) {
  std::vector<int> cpus = usable_cpus();  // the client's alone
  if (!options.pin || target.command.cpus.empty()) return nullptr;
  std::vector<int> measured = cpus;
  measured.push_back(target.command.cpus.front());
  return std::make_unique<KeepAwake>(target.never_sleeps ? cpus : measured, measured);
}

struct Plan {
  std::vector<EnduranceTarget> targets;
  std::vector<HostileKind> kinds = hostile_kinds();

  explicit Plan(const Options& options) {
    for (const std::string& name : options.backends) {
      targets.push_back(target_of(name, options.pin));
    }
    std::erase_if(kinds, [&](const HostileKind& kind) {
      return !options.kinds.empty() &&
             std::ranges::find(options.kinds, kind.name) == options.kinds.end();
    });
  }

  [[nodiscard]] static std::size_t rounds_of(const HostileKind& kind, const Options& options) {
    // Gigabytes take their time; once through is 3.6 GB of evidence.
    return kind.lasts_until_done ? 1 : options.rounds;
  }
};

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
        const EnduranceTarget& target = plan.targets[(round + i) % plan.targets.size()];
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
  const Plan plan(options);
  Json json = report_head("hostile_peers");
  if (const auto cpu = options.client_cpu()) run_on_cpus({*cpu});
  const std::vector<HostileTrial> trials = try_all(plan, options, stop);

  Json all = Json::array();
  for (const HostileTrial& trial : trials) all.push_back(to_json(trial));
  json.update({{"rounds", options.rounds},
               {"interrupted", stop.stop_requested()},
               {"trials", rows_of(all)}});
  return conclude(options,
                  {.name = "hostile",
                   .details = "trials",
                   .json = in_lines(json),
                   .summary = summary(plan, trials, hostile_tables(trials, TableFormat::markdown)),
                   .table = hostile_tables(trials, TableFormat::text),
                   .interrupted = stop.stop_requested(),
                   .failed = std::ranges::any_of(
                       trials, [](const HostileTrial& trial) { return !trial.failure.empty(); })});
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  options.directory = "results/hostile";
  std::vector<std::string> all_kinds;
  for (const HostileKind& kind : hostile_kinds()) all_kinds.push_back(kind.name);
  return parse_and_run(
      {"hostile_peers",
       "Measures a well-behaved peer beside hostile ones, on the loopback network.",
       {{"--backends", "Which servers; all of them unless told",
         one_of(&options.backends, all_backend_names())},
        {"--kinds", "Which kinds of hostility; all of them unless told",
         one_of(&options.kinds, all_kinds)},
        {"--rounds", "How often; intervals need six", Count{&options.rounds, 1, 1000}},
        {"-o", "Directory for hostile.json and hostile.md; hostile-2 where these are there",
         &options.directory},
        force_option(options.force),
        {"!--no-pin", "Let the system place servers and clients", &options.pin}},
       "",
       [&] {
         return run_until_stopped(options, [&](const auto& stop) { return run(options, stop); });
       }},
      argc, argv);
}
