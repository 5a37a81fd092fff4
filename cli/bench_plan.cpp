#include "cli/bench_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>

#include "cli/backends.hpp"
#include "cli/bench_servers.hpp"
#include "cli/load_options.hpp"
#include "cli/peers.hpp"
#include "cli/values.hpp"
#include "harness/machine/cpu.hpp"
#include "harness/text/words.hpp"

namespace echomux {
namespace {

using namespace std::chrono_literals;

// Of a trial, by default. Many short ones tell more than few long ones in the same time, since most
// of what disturbs one leaves the next in peace. In this one a server at 1000 requests per second
// answers twenty of them.
constexpr std::chrono::milliseconds slice{20};
constexpr double requests_in_slice = 20;
// Of so many, a preset measures each twice as long.
constexpr std::size_t few_servers = 4;
// What ended child processes have used is known to 10 ms.
constexpr std::chrono::milliseconds slice_of_short_lives{400};

// What the presets measure. quick ends within a minute, standard and beyond within ten, thorough in
// an hour.
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

constexpr std::string_view preset_beyond = "beyond";

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
             500ms},
      Preset{preset_beyond, {0, 1'000, 10'000}, 7, 240ms, 0ms, 2s, 7, 500ms, 100ms}};
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

// All that isn't among the seven, beside the bare calls and what they are built on.
void use_servers_beyond(BenchArguments& arguments) {
  arguments.backends = {"floor", "epoll_lt", "epoll_et", "beyond"};
  if (std::ranges::any_of(peers(), is_built)) arguments.backends.emplace_back("peers");
  if (arguments.workers.empty()) arguments.workers = {1, 2, 4, 8};
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

void check_server_cpus(const SweepPlan& plan) {
  if (plan.server_cpus.empty()) return;
  if (!plan.pin)
    throw UsageError("--server-cpus pins the server, and --no-pin doesn't: choose one");
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

SweepPlan make_plan(BenchArguments arguments) {
  if (arguments.preset == preset_beyond && arguments.backends.empty())
    use_servers_beyond(arguments);
  sort_axis(arguments.workers);
  sort_axis(arguments.processes);
  arguments.plan.server_cpus.assign(arguments.server_cpus.begin(), arguments.server_cpus.end());
  sort_axis(arguments.plan.server_cpus);
  check_server_cpus(arguments.plan);
  SweepPlan plan = arguments.plan;
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
  Value repetitions = Count{&plan.repetitions, 1, 10'000};
  repetitions.default_shown = false;
  std::vector<Option> options{
      {"--preset",
       "quick: within a minute; standard: seven repetitions, within ten minutes; thorough: an "
       "hour; beyond: what is beyond the seven and peers, ten minutes. The options below override "
       "it",
       one_of(Words{[&to](const std::string& name) { use_preset(to, name); }, "quick"},
              {"quick", "standard", "thorough", std::string(preset_beyond)})},
      {"--backends",
       fmt::format(
           "Comma-separated, from: floor, {}; floor and seven unless given; seven, beyond and "
           "peers are groups; reuseport:4 has four workers, reuseport:4p four processes; 'none' "
           "for --server alone",
           joined(all_backend_names(), ", ")),
       offer(&to.backends, names_for_backends())},
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
      {"--processes",
       "reuseport only: in so many processes instead; comma-separated for one server each",
       Count{&to.processes, 1, ServerOptions::most_workers}},
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
