#include <fmt/chrono.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <random>
#include <stop_token>

#include "cli/backends.hpp"
#include "cli/command.hpp"
#include "cli/signal_thread.hpp"
#include "cli/values.hpp"
#include "harness/report.hpp"
#include "harness/sweep.hpp"

namespace echomux {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view floor_name = "floor";

// The options as they are written; what is empty is the preset's.
struct BenchArguments {
  std::string preset = "quick";
  std::vector<std::string> backends;
  std::vector<std::string> servers;  // foreign ones, NAME=COMMAND
  std::vector<std::string> idle;
  std::vector<std::string> rates;
  std::string active;
  std::string size;
  std::string duration;
  std::string warmup;
  std::string timeout;
  std::string repetitions;
  std::optional<std::uint64_t> seed;
  bool no_pin = false;
  bool let_sleep = false;
  std::string select_limit = "fd_setsize";
  std::string output;
  std::string resume;
  std::string format = "text";
  bool strict = false;
};

// What the presets measure. quick ends within a minute, standard within ten, thorough in an hour.
struct Preset {
  std::string_view name;
  std::vector<std::string> idle;
  std::string repetitions;
  std::string duration;
  std::string warmup;
  std::string timeout;
};

const Preset& find_preset(std::string_view name) {
  static const std::array presets{
      Preset{"quick", {"0", "100", "1k", "10k"}, "1", "500ms", "100ms", "1s"},
      Preset{"standard", {"0", "100", "1k", "10k"}, "7", "1s", "200ms", "2s"},
      Preset{"thorough", {"0", "10", "100", "1k", "3k", "10k", "19k"}, "11", "3s", "500ms", "2s"}};
  return *std::ranges::find(presets, name, &Preset::name);
}

// --- the servers ---

std::filesystem::path own_program() {
  return std::filesystem::read_symlink("/proc/self/exe");
}

// The bare system calls, as a foreign server that is only met through its port.
SweepServer floor_server() {
  SweepServer floor;
  floor.command.arguments = {own_program().parent_path() / "benchmarks" / "floor_server", "{port}"};
  return floor;
}

SweepServer make_server(const ServerSpec& spec) {
  SweepServer server;
  if (spec.backend == floor_name) return floor_server();
  if (spec.backend.empty()) {
    server.command.arguments = split_command(spec.command, "--server");
    return server;
  }
  const Backend* const backend = find_backend(spec.backend);
  if (backend == nullptr) {
    throw UsageError(
        fmt::format("unknown server '{}'; choose from: floor, {}", spec.backend, backend_names()));
  }
  server.command.arguments = {own_program(), "serve", std::string(backend->name), "--port", "0"};
  server.command.arguments.insert(server.command.arguments.end(), spec.options.begin(),
                                  spec.options.end());
  server.command.speaks_echomux = true;
  server.max_connections = backend->max_connections;
  server.never_sleeps = backend->never_sleeps;
  if (std::ranges::find(spec.options, "none") != spec.options.end()) server.max_connections.reset();
  return server;
}

// "NAME=COMMAND": what the tables call it, and how it is started.
ServerSpec foreign_server(const std::string& text) {
  const std::size_t equals = text.find('=');
  ServerSpec spec;
  if (equals != std::string::npos && equals > 0) {
    spec = {text.substr(0, equals), "", {}, text.substr(equals + 1)};
  }
  if (split_command(spec.command, "--server").empty() ||
      spec.command.find("{port}") == std::string::npos) {
    throw UsageError(
        fmt::format("--server: '{}' is not NAME=COMMAND with {{port}} where the server takes its "
                    "port; write such as --server mine='./my_server --port {{port}}'",
                    text));
  }
  return spec;
}

std::vector<ServerSpec> choose_servers(const BenchArguments& arguments) {
  std::vector<std::string> names = arguments.backends;
  if (names.empty()) {
    names.emplace_back(floor_name);
    for (const Backend& backend : backends()) names.emplace_back(backend.name);
  }
  std::vector<ServerSpec> specs;
  for (const std::string& name : names) {
    // A lone 'none' leaves the comparison to the foreign servers.
    if (name == "none" && names.size() == 1) continue;
    ServerSpec spec{name, name, {}, ""};
    if (name == "select" && arguments.select_limit == "none") {
      spec.name = "select (no limit)";
      spec.options = {"--select-limit", "none"};
    }
    specs.push_back(spec);
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

SweepPlan make_plan(const BenchArguments& arguments) {
  const Preset& preset = find_preset(arguments.preset);
  const auto given = [](const std::string& text, const std::string& otherwise) {
    return text.empty() ? otherwise : text;
  };
  SweepPlan plan;
  plan.servers = choose_servers(arguments);
  for (const std::string& idle : arguments.idle.empty() ? preset.idle : arguments.idle) {
    plan.idle_connections.push_back(parse_count(idle, "--idle", 0, 100'000'000));
  }
  for (const std::string& rate :
       arguments.rates.empty() ? std::vector<std::string>{"1k"} : arguments.rates) {
    plan.rates.push_back(parse_rate(rate, "--rate"));
  }
  plan.active_connections = parse_count(given(arguments.active, "10"), "--active", 1, 100'000);
  plan.message_bytes = parse_count(given(arguments.size, "64"), "--size", 1, 1'048'576);
  plan.duration = parse_time(given(arguments.duration, preset.duration), "--duration", 50ms, 1h);
  plan.warmup = parse_time(given(arguments.warmup, preset.warmup), "--warmup", 0ms, 1h);
  plan.timeout = parse_time(given(arguments.timeout, preset.timeout), "--timeout", 10ms, 1h);
  plan.repetitions =
      parse_count(given(arguments.repetitions, preset.repetitions), "--repetitions", 1, 10'000);
  plan.seed = arguments.seed.value_or(std::random_device()());
  plan.pin = !arguments.no_pin;
  plan.keep_awake = !arguments.let_sleep;
  plan.count_system_calls = true;
  sort_axis(plan.idle_connections);
  sort_axis(plan.rates);
  return plan;
}

// --- while it runs ---

// Tells on stderr which trial is running, how many there are, how long the rest may take judging by
// those so far, and what the last one came to. At a terminal one line changes, and only what isn't
// valid stays; elsewhere each trial has its line.
class Progress {
 public:
  Progress(std::size_t trials, std::size_t done) : trials_(trials), current_(done), done_(done) {}

  void before(const Trial& trial) {
    ++current_;
    if (terminal_) {
      std::cerr << "\r\x1b[K" << head() << name(trial) << " …" << last_ << std::flush;
    }
  }

  void after(const Trial& trial) {
    const std::string line = name(trial) + ": " + one_line(trial);
    if (!terminal_) {
      std::cerr << head() << line << '\n';
      return;
    }
    const Verdict verdict = trial.judgement.verdict;
    const bool stays = verdict == Verdict::suspect || verdict == Verdict::invalid;
    if (stays) std::cerr << "\r\x1b[K" << head() << line << '\n';
    last_ = "   (last: " + line + ")";
    if (last_.size() > 110) last_ = last_.substr(0, 110) + "…)";
  }

  void counting(const SystemCallCount& count) const {
    if (terminal_) {
      std::cerr << "\r\x1b[Kcounting system calls: " << count.cell.server << ", "
                << count.cell.idle_connections << " idle" << std::flush;
    }
  }

  void end() const {
    if (terminal_) std::cerr << "\r\x1b[K" << std::flush;
  }

 private:
  [[nodiscard]] std::string head() const {
    using namespace std::chrono;
    const std::size_t since = current_ - done_;
    std::string left;
    if (since > 2) {
      const auto rest = (steady_clock::now() - begin_) / (since - 1) * (trials_ - current_ + 1);
      left = fmt::format(" (about {:%M:%S} left)", duration_cast<seconds>(rest));
    }
    return fmt::format("[{:>{}}/{}]{} ", current_, std::to_string(trials_).size(), trials_, left);
  }
  static std::string name(const Trial& trial) {
    return fmt::format("{}, {} idle, {}", trial.cell.server, trial.cell.idle_connections,
                       rate_in_words(trial.cell.rate));
  }

  std::size_t trials_;
  std::size_t current_;
  std::size_t done_;  // before this run began
  bool terminal_ = ::isatty(STDERR_FILENO) == 1;
  std::string last_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

// What this process was started as, for the record.
std::vector<std::string> own_command_line() {
  std::ifstream file("/proc/self/cmdline");
  std::vector<std::string> words;
  for (std::string word; std::getline(file, word, '\0');) words.push_back(word);
  return words;
}

std::filesystem::path output_path(const BenchArguments& arguments) {
  if (!arguments.resume.empty()) return arguments.resume;
  if (!arguments.output.empty()) return arguments.output;
  return std::filesystem::path("results") /
         fmt::format("bench-{:%Y%m%d-%H%M%S}.json", fmt::gmtime(std::time(nullptr)));
}

// The results file and what is in it so far.
class Recorder {
 public:
  Recorder(std::filesystem::path path, Results results)
      : path_(std::move(path)), results_(std::move(results)) {
    // Before anything is measured, for a place that can't be written to is better known now.
    write_results(path_, results_);
  }

  [[nodiscard]] const Results& results() const { return results_; }
  [[nodiscard]] const std::string& error() const { return error_; }

  void add(const Trial& trial) {
    // What an interruption cut off is no result; a resumed run does it again.
    if (trial.outcome != TrialOutcome::interrupted) results_.trials.push_back(trial);
    write();
  }
  void add(const SystemCallCount& count) {
    results_.system_calls.push_back(count);
    write();
  }
  void set_ceiling(double rps) { results_.client_ceiling_rps = rps; }

  // Whatever could not be written on the way, when there is room again.
  void write() {
    try {
      write_results(path_, results_);
      error_.clear();
    } catch (const std::exception& error) {
      // The figures are still in memory, and the table can still be printed.
      error_ = error.what();
    }
  }

 private:
  std::filesystem::path path_;
  Results results_;
  std::string error_;
};

int exit_status(const Results& results, bool strict) {
  const auto any = [&](auto predicate) { return std::ranges::any_of(results.trials, predicate); };
  if (any([](const Trial& trial) { return trial.outcome == TrialOutcome::failed; })) {
    return exit_failure;
  }
  const bool not_valid = any([](const Trial& trial) {
    const Verdict verdict = trial.judgement.verdict;
    return verdict == Verdict::suspect || verdict == Verdict::invalid;
  });
  return strict && not_valid ? exit_not_valid : exit_ok;
}

Results begin_results(const BenchArguments& arguments) {
  if (arguments.resume.empty()) {
    Results results;
    results.context = describe_run(make_plan(arguments), own_command_line());
    return results;
  }
  Results results = read_results(arguments.resume);
  // What was measured before and what will be are put into one table: the reader should know when
  // they come from two machines or programs.
  const RunContext now = describe_run(results.context.plan, {});
  std::vector<std::string> found = differences(results.context.machine, now.machine);
  if (!(results.context.build == now.build)) {
    found.push_back(fmt::format("program: built from {}, now from {}",
                                results.context.build.git_commit, now.build.git_commit));
  }
  for (const std::string& difference : found) {
    std::cerr << fmt::format("echomux: warning: {} was begun elsewhere: {}\n", arguments.resume,
                             difference);
  }
  return results;
}

int bench(const BenchArguments& arguments) {
  Results begun = begin_results(arguments);
  const SweepPlan plan = begun.context.plan;
  std::vector<SweepServer> servers;
  servers.reserve(plan.servers.size());
  for (const ServerSpec& spec : plan.servers) servers.push_back(make_server(spec));
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is a write that fails, and is told as one
  std::stop_source stop;
  const SignalThread signals({SIGINT, SIGTERM}, [&](int) { stop.request_stop(); });

  const std::filesystem::path path = output_path(arguments);
  const SweepDone done{begun.trials, begun.system_calls, begun.client_ceiling_rps};
  Recorder recorder(path, std::move(begun));
  std::cerr << fmt::format("{}; order of the trials from seed {}; raw results: {}\n",
                           recorder.results().context.cpu_plan, plan.seed, path.string());

  Progress progress(schedule_trials(plan).size(), done.trials.size());
  const SweepObserver observer{.before = [&](const Trial& trial) { progress.before(trial); },
                               .after =
                                   [&](const Trial& trial) {
                                     progress.after(trial);
                                     recorder.add(trial);
                                   },
                               .counted =
                                   [&](const SystemCallCount& count) {
                                     progress.counting(count);
                                     recorder.add(count);
                                   },
                               .ceiling = [&](double rps) { recorder.set_ceiling(rps); },
                               .no_ceiling =
                                   [](const std::string& why) {
                                     std::cerr << "echomux: warning: what the client reaches "
                                                  "against the floor is not known: "
                                               << why << '\n';
                                   }};
  run_sweep(plan, servers, floor_server(), done, observer, stop.get_token());
  progress.end();
  recorder.write();

  std::cout << report(recorder.results(), report_format(arguments.format)) << std::flush;
  if (!recorder.error().empty()) throw std::runtime_error(recorder.error());
  std::cerr << fmt::format("raw results: {}\n", path.string());
  if (stop.stop_requested()) {
    std::cerr << fmt::format(
        "echomux: interrupted; what had been measured by then is in the table and the file; go on "
        "with: echomux bench --resume {}\n",
        path.string());
    return exit_interrupted;
  }
  return exit_status(recorder.results(), arguments.strict);
}

void add_plan_options(CLI::App& command, BenchArguments& to, std::vector<CLI::Option*>& plan) {
  plan.push_back(
      command
          .add_option("--preset", to.preset,
                      "quick: within a minute; standard: seven repetitions, within ten minutes; "
                      "thorough: an hour. The options below override it")
          ->check(CLI::IsMember({"quick", "standard", "thorough"}))
          ->capture_default_str());
  plan.push_back(command
                     .add_option("--backends", to.backends,
                                 "Comma-separated, from: floor, " + backend_names() +
                                     "; all unless given; 'none' for --server alone")
                     ->delimiter(','));
  plan.push_back(command
                     .add_option("--server", to.servers,
                                 "Any echo server: NAME='COMMAND {port}', run without a shell; "
                                 "repeat it for more")
                     ->allow_extra_args(false));
  plan.push_back(
      command.add_option("--idle", to.idle, "Numbers of idle connections, such as 0,100,1k,10k")
          ->delimiter(','));
  plan.push_back(command
                     .add_option("--rate", to.rates,
                                 "Requests per second over all active connections, such as "
                                 "1k,10k,50k; 0: as fast as they can (default: 1k)")
                     ->delimiter(','));
  plan.push_back(command.add_option("--active", to.active, "Active connections (default: 10)"));
  plan.push_back(command.add_option("--size", to.size, "Bytes per message (default: 64)"));
  plan.push_back(command.add_option("--repetitions", to.repetitions,
                                    "Trials of each cell, in random order; intervals from six on"));
  plan.push_back(command.add_option("--duration", to.duration, "Time measured per trial"));
  plan.push_back(command.add_option("--warmup", to.warmup, "Time under load before that"));
  plan.push_back(command.add_option("--timeout", to.timeout,
                                    "Without any answer for this long a server starves its peers"));
  plan.push_back(command.add_option("--seed", to.seed, "Of the order of the trials"));
  plan.push_back(
      command.add_flag("--no-pin", to.no_pin, "Don't pin server and client to one CPU each"));
  plan.push_back(command.add_flag(
      "--let-sleep", to.let_sleep,
      "Let idle CPUs sleep; else threads of idle priority keep them awake, for how long waking up "
      "takes changes with the machine's mood"));
  plan.push_back(command
                     .add_option("--select-limit", to.select_limit,
                                 "'none' lets select watch descriptors beyond FD_SETSIZE")
                     ->check(CLI::IsMember({"fd_setsize", "none"}))
                     ->capture_default_str());
  plan.push_back(command.add_option("-o,--output", to.output,
                                    "Where to write the raw results (default: "
                                    "results/bench-TIME.json)"));
}

}  // namespace

void add_bench_command(CLI::App& app, Action& action) {
  CLI::App* const command =
      app.add_subcommand("bench", "Compare the servers beside many idle connections");
  const auto to = std::make_shared<BenchArguments>();
  std::vector<CLI::Option*> plan;
  add_plan_options(*command, *to, plan);
  CLI::Option* const resume = command->add_option(
      "--resume", to->resume, "Go on with the run in this results file, where it was interrupted");
  for (CLI::Option* const option : plan) resume->excludes(option);
  command->add_option("--format", to->format, "What to print on stdout")
      ->check(CLI::IsMember({"text", "markdown", "csv", "json"}))
      ->capture_default_str();
  command->add_flag("--strict", to->strict, "Exit with status 3 when a trial isn't valid");
  command->footer(
      "Progress goes to stderr, the table to stdout, every trial to the results file as soon as it "
      "is done.\nThe floor is a bare epoll loop: what the system calls alone cost.\nExit status: 0 "
      "measured, 1 a server or the run failed, 2 wrong use, 3 not valid with --strict, 130 "
      "interrupted.");
  command->callback([to, &action] { action = [to] { return bench(*to); }; });
}

}  // namespace echomux
