#include "cli/bench_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>

#include "cli/backends.hpp"
#include "cli/load_options.hpp"
#include "cli/values.hpp"
#include "harness/machine/cpu.hpp"
#include "harness/server/programs.hpp"
#include "harness/text/words.hpp"

namespace echomux {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view floor_name = "floor";
// Names of several servers at once, for --backends.
constexpr std::string_view group_seven = "seven";
constexpr std::string_view group_beyond = "beyond";
// In the name of a server that is told to go beyond its own.
constexpr std::string_view no_limit = " (no limit)";

// Of a trial, by default. Many short ones tell more than few long ones in the same time, since most
// of what disturbs one leaves the next in peace. In this one a server at 1000 requests per second
// answers twenty of them.
constexpr std::chrono::milliseconds slice{20};
constexpr double requests_in_slice = 20;
// Of so many, a preset measures each twice as long.
constexpr std::size_t few_servers = 4;
// What ended child processes have used is known to 10 ms.
constexpr std::chrono::milliseconds slice_of_short_lives{400};

// What the presets measure. quick ends within a minute, standard within ten, thorough in an hour.
// The interval of a ratio reckons with the repetitions, which have fresh processes: three at least.
struct Preset {
  std::string_view name;
  std::vector<std::size_t> idle;
  std::size_t repetitions;
  std::chrono::nanoseconds duration;
  std::chrono::nanoseconds warmup;
  std::chrono::nanoseconds timeout;
  // With --fresh: a window must tell by itself.
  std::size_t fresh_repetitions;
  std::chrono::nanoseconds fresh_duration;
  std::chrono::nanoseconds fresh_warmup;
};

const Preset& find_preset(std::string_view name) {
  static const std::array presets{
      Preset{"quick", {0, 100, 1'000, 10'000}, 3, 120ms, 0ms, 500ms, 1, 500ms, 100ms},
      Preset{"standard", {0, 100, 1'000, 10'000}, 7, 800ms, 100ms, 2s, 7, 1s, 200ms},
      Preset{"thorough",
             {0, 10, 100, 1'000, 3'000, 10'000, 19'000},
             11,
             2500ms,
             200ms,
             2s,
             11,
             3s,
             500ms}};
  return *std::ranges::find(presets, name, &Preset::name);
}

// What no option can give: the preset says it, when all options are known.
constexpr std::size_t any_repetitions = 0;
constexpr std::chrono::nanoseconds any_time{-1};

void use_preset(BenchArguments& arguments, const std::string& name) {
  const Preset& preset = find_preset(name);
  SweepPlan& plan = arguments.plan;
  arguments.preset = name;
  plan.idle_connections = preset.idle;
  plan.load.timeout = preset.timeout;
  plan.repetitions = any_repetitions;
  plan.load.duration = plan.load.warmup = any_time;
}

// Where the user says nothing of repetitions and times, the preset does.
void use_times(SweepPlan& plan, const BenchArguments& arguments) {
  const Preset& preset = find_preset(arguments.preset);
  const bool fresh = arguments.fresh;
  if (plan.repetitions == any_repetitions) {
    plan.repetitions = fresh ? preset.fresh_repetitions : preset.repetitions;
  }
  if (plan.load.warmup == any_time) {
    plan.load.warmup = fresh ? preset.fresh_warmup : preset.warmup;
  }
  if (plan.load.duration == any_time) {
    plan.load.duration = fresh ? preset.fresh_duration : preset.duration;
    // Half of the servers leave the time for twice as many rounds.
    if (!fresh && plan.servers.size() <= few_servers) plan.load.duration *= 2;
  }
}

// --- the servers ---

std::vector<int> to_cpus(const std::vector<std::size_t>& numbers) {
  return {numbers.begin(), numbers.end()};
}

// Throws UsageError for CPUs that the server can't have.
void check_server_cpus(const SweepPlan& plan) {
  if (plan.server_cpus.empty()) return;
  if (!plan.pin) throw UsageError("--server-cpus pins the server, and --no-pin doesn't: choose one");
  const std::vector<int> usable = usable_cpus();
  for (const int cpu : plan.server_cpus) {
    if (std::ranges::count(usable, cpu) == 0) {
      throw UsageError(fmt::format("--server-cpus: this program may not use CPU {}, but {}", cpu,
                                   fmt::join(usable, ", ")));
    }
  }
  if (plan.server_cpus.size() >= usable.size()) {
    throw UsageError(fmt::format(
        "--server-cpus: the client needs a CPU of its own, and of {} none would be left; leave one "
        "out, or let them share all: --no-pin",
        fmt::join(usable, ", ")));
  }
}

// "NAME=COMMAND": what the tables call it, and how it is started.
ServerSpec foreign_server(const std::string& text) {
  const std::size_t equals = text.find('=');
  ServerSpec spec;
  if (equals != std::string::npos && equals > 0) {
    spec = {text.substr(0, equals), "", {}, text.substr(equals + 1)};
  }
  const std::vector<std::string> words = split_command(spec.command, "--server");
  // What stands before '=' may as well be a part of the command.
  const bool misread = spec.name.find('/') != std::string::npos ||
                       spec.name.find(" -") != std::string::npos ||
                       (!words.empty() && words.front().starts_with("{port}"));
  if (words.empty() || misread) {
    throw UsageError(
        fmt::format("--server: '{}' is not NAME=COMMAND, with {{port}} where the server takes its "
                    "port; write such as --server mine='./my_server --port {{port}}'",
                    text));
  }
  const std::string for_shell = find_shell_syntax(spec.command);
  if (for_shell.ends_with('=')) {
    throw UsageError(
        fmt::format("--server: '{0}' in '{1}' would set a variable in a shell, and none is "
                    "involved; write such as {2}='env {0}{{port}} ./my_server'",
                    for_shell, spec.command, spec.name));
  }
  if (!for_shell.empty()) {
    throw UsageError(fmt::format(
        "--server: '{}' in '{}' is for a shell, and none is involved; put it in quotes if it is "
        "meant as it is, or start a shell: {}=\"sh -c 'exec …'\"",
        for_shell, spec.command, spec.name));
  }
  return spec;
}

// What the tables call a server of this name: with its options, and more than once where it is to
// have different numbers of workers.
std::vector<std::string> in_tables(const std::string& name, const BenchArguments& arguments) {
  const Backend* const backend = find_backend(name);
  if (backend == nullptr) return {name};
  if (backend->bound_by_fd_setsize && arguments.select_limit == "none") {
    return {name + std::string(no_limit)};
  }
  if (!backend->has_workers) return {name};
  std::vector<std::size_t> numbers = arguments.workers;
  if (numbers.empty()) {
    // As many as the server itself would choose, on the CPUs that it gets.
    const SweepPlan& plan = arguments.plan;
    const CpuPlan cpus = plan_cpus(plan.pin, false, to_cpus(arguments.server_cpus));
    numbers = {cpus.server.empty() ? cpus.usable.size() : cpus.server.size()};
  }
  std::vector<std::string> all;
  for (const std::size_t number : numbers) all.push_back(fmt::format("{}:{}", name, number));
  return all;
}

std::vector<ServerSpec> choose_servers(const BenchArguments& arguments) {
  std::vector<std::string> names;
  // A group may name again what was named by itself.
  const auto add_group = [&](std::span<const Backend> group) {
    for (const Backend& backend : group) {
      if (std::ranges::count(names, backend.name) == 0 &&
          std::ranges::count(arguments.backends, backend.name) == 0) {
        names.emplace_back(backend.name);
      }
    }
  };
  for (const std::string& name : arguments.backends) {
    if (name == group_seven) {
      add_group(backends());
    } else if (name == group_beyond) {
      add_group(beyond());
    } else {
      names.push_back(name);
    }
  }
  if (names.empty()) {
    names.emplace_back(floor_name);
    add_group(backends());
  }
  std::vector<ServerSpec> specs;
  for (const std::string& name : names) {
    // A lone 'none' leaves the comparison to the foreign servers.
    if (name == "none" && names.size() == 1) continue;
    for (const std::string& each : in_tables(name, arguments)) specs.push_back(own_server(each));
  }
  if (!arguments.workers.empty() && std::ranges::none_of(specs, [](const ServerSpec& spec) {
        const Backend* const backend = find_backend(spec.backend);
        return backend != nullptr && backend->has_workers;
      })) {
    throw UsageError("--workers: none of these servers has any; reuseport and reactor_workers do");
  }
  for (const std::string& server : arguments.servers) specs.push_back(foreign_server(server));
  for (std::size_t i = 0; i < specs.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      if (specs[i].name == specs[k].name) {
        throw UsageError(
            fmt::format("two servers are called '{}'; give one another name", specs[i].name));
      }
    }
  }
  if (specs.empty()) throw UsageError("no server to measure; name one with --server");
  return specs;
}

// In rising order, each value once.
template <typename Value>
void sort_axis(std::vector<Value>& axis) {
  std::ranges::sort(axis);
  axis.erase(std::unique(axis.begin(), axis.end()), axis.end());
}

// Long enough for the plan's lowest rate.
std::chrono::nanoseconds slice_of(const SweepPlan& plan) {
  std::chrono::nanoseconds longest = plan.load.reconnect ? slice_of_short_lives : slice;
  for (const double rate : plan.rates) {
    if (rate <= 0) continue;
    longest = std::max(longest, std::chrono::nanoseconds(
                                    std::llround(std::min(1e9 * requests_in_slice / rate, 1e15))));
  }
  return longest;
}

}  // namespace

SweepServer floor_server() {
  SweepServer floor;
  floor.command.arguments = {floor_program(), "{port}"};
  floor.command.echoes_all_bytes = true;
  floor.is_floor = true;
  return floor;
}

ServerSpec own_server(const std::string& name) {
  if (const std::size_t colon = name.find(':'); colon != std::string::npos) {
    const std::string server = name.substr(0, colon);
    const std::string workers = name.substr(colon + 1);
    const Backend* const backend = find_backend(server);
    if (backend == nullptr || !backend->has_workers) {
      throw UsageError(
          fmt::format("'{}': {} has no workers; reuseport and reactor_workers do, such as {}:{}",
                      name, server, "reuseport", workers));
    }
    static_cast<void>(parse_count(workers, name, 1, ServerOptions::most_workers));
    return {name, server, {"--workers", workers}, ""};
  }
  if (!name.ends_with(no_limit)) return {name, name, {}, ""};
  return {name, name.substr(0, name.size() - no_limit.size()), {"--select-limit", "none"}, ""};
}

SweepServer make_server(const ServerSpec& spec) {
  SweepServer server;
  if (spec.backend == floor_name) return floor_server();
  if (spec.backend.empty()) {
    server.command.arguments = split_command(spec.command, "--server");
    return server;
  }
  const Backend* const backend = find_server(spec.backend);
  if (backend == nullptr) {
    throw UsageError(
        fmt::format("unknown server '{}'; choose from: floor, {}; or a broken one ({})",
                    spec.backend, joined(all_backend_names(), ", "), gallery_hint));
  }
  server.command = serve_command(own_program(), backend->name, spec.options);
  server.max_connections = backend->max_connections;
  server.never_sleeps = backend->never_sleeps;
  server.thread_per_connection = backend->thread_per_connection;
  server.hands_over = backend->has_workers && !backend->shares_port;
  if (std::ranges::find(spec.options, "none") != spec.options.end()) server.max_connections.reset();
  return server;
}

SweepPlan make_plan(const BenchArguments& arguments) {
  SweepPlan plan = arguments.plan;
  plan.server_cpus = to_cpus(arguments.server_cpus);
  sort_axis(plan.server_cpus);
  check_server_cpus(plan);
  plan.servers = choose_servers(arguments);
  if (arguments.servers.empty()) {
    plan.descriptors.reset();
  } else if (!plan.descriptors) {
    plan.descriptors = descriptor_limit_at_start();
  }
  plan.seed = arguments.seed.value_or(std::random_device()());
  plan.count_system_calls = true;
  check_combination(plan.load, AF_INET, "--active");  // servers listen on 127.0.0.1
  sort_axis(plan.idle_connections);
  sort_axis(plan.rates);
  if (!arguments.fresh) plan.slice = slice_of(plan);
  use_times(plan, arguments);
  return plan;
}

std::vector<Option> plan_options(BenchArguments& to) {
  SweepPlan& plan = to.plan;
  use_preset(to, "quick");
  plan.rates = {1000};
  std::vector<std::string> servers = server_names();
  servers.insert(servers.begin(), {std::string(floor_name), "none", std::string(group_seven),
                                   std::string(group_beyond)});
  Value repetitions = Count{&plan.repetitions, 1, 10'000};
  repetitions.default_shown = false;
  std::vector<Option> options{
      {"--preset",
       "quick: within a minute; standard: seven repetitions, within ten minutes; thorough: an "
       "hour. The options below override it",
       one_of(Words{[&to](const std::string& name) { use_preset(to, name); }, "quick"},
              {"quick", "standard", "thorough"})},
      {"--backends",
       fmt::format(
           "Comma-separated, from: floor, {}; floor and seven unless given; seven and beyond "
           "are groups; reuseport:4 has four workers; 'none' for --server alone",
           joined(all_backend_names(), ", ")),
       offer(&to.backends, servers)},
      {"--server",
       "Any echo server: NAME='COMMAND {port}', run without a shell; {port} becomes a free port, "
       "and without it the one counts that the server listens on; repeat it for more",
       repeated(&to.servers)},
      {"--descriptors",
       "How many descriptors the servers given with --server may open (default: as many as "
       "programs that this shell starts)",
       Count{&plan.descriptors, 16, 1'000'000'000}},
      {"--start-timeout", "A server that doesn't listen after this long has failed",
       Duration{&plan.start_timeout, std::chrono::milliseconds(10), std::chrono::hours(1)}},
      {"--idle", "Numbers of idle connections, such as 0,100,1k,10k",
       Count{&plan.idle_connections, 0, 100'000'000}},
      {"--rate",
       "Requests per second over all active connections, such as 1k,10k,50k; 0: as fast as they "
       "can (default: 1k)",
       Rate{&plan.rates}},
      {"--repetitions",
       "Trials of each cell, in random order; intervals from six on, of ratios from two on",
       repetitions},
      {"--fresh",
       "Measure each server alone, in one window, with a fresh process; else those of a row stand "
       "side by side and are loaded in turn, in slices",
       &to.fresh},
      {"--seed", "Of the order of the trials", &to.seed},
      {"--workers",
       "Threads of servers that have some, such as 1,2,4; each number makes one of them, "
       "reuseport:4 (default: one for each CPU of the server's)",
       Count{&to.workers, 1, ServerOptions::most_workers}},
      {"--server-cpus", "Pin the server to these CPUs, such as 1,2,3, instead of one",
       Count{&to.server_cpus, 0, CpuMask::most - 1}},
      {"!--no-pin", "Don't pin server and client to one CPU each", &plan.pin},
      {"!--let-sleep",
       "Let idle CPUs sleep; else threads of idle priority keep them awake, for how long waking "
       "up takes changes with the machine's mood",
       &plan.keep_awake},
      {"--select-limit", "'none' lets select watch descriptors beyond FD_SETSIZE",
       one_of(&to.select_limit, {"fd_setsize", "none"})},
      {"-o,--output",
       "Where to write the raw results (default: results/bench-TIME.json, or in "
       "~/.local/state/echomux where that can't be written)",
       file(&to.output)}};
  const auto seed = std::ranges::find(options, "--seed", &Option::names);
  const std::vector<Option> of_load = trial_options(plan.load);
  options.insert(seed, of_load.begin(), of_load.end());
  return options;
}

}  // namespace echomux
