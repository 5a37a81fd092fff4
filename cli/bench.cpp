#include <fmt/chrono.h>
#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <stop_token>

#include "cli/backends.hpp"
#include "cli/command.hpp"
#include "cli/signal_thread.hpp"
#include "harness/report.hpp"
#include "harness/sweep.hpp"

namespace echomux {
namespace {

constexpr std::string_view floor_name = "floor";

struct BenchOptions {
  std::vector<std::string> servers;
  std::vector<std::string> idle{"0", "100", "1k", "10k"};
  std::size_t active = 10;
  std::string rate = "1k";
  std::size_t size = 64;
  double duration_seconds = 1;
  double warmup_seconds = 0.2;
  bool no_pin = false;
  std::string select_limit = "fd_setsize";
  std::string output;
};

// "250", "10k" or "1m".
std::size_t parse_count(const std::string& text, std::string_view option) {
  std::size_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  const std::string_view suffix(rest, static_cast<std::size_t>(end - rest));
  const std::size_t factor = suffix.empty()                   ? 1
                             : suffix == "k" || suffix == "K" ? 1'000
                             : suffix == "m" || suffix == "M" ? 1'000'000
                                                              : 0;
  constexpr std::size_t largest = 100'000'000;
  if (error != std::errc{} || factor == 0 || value > largest / factor) {
    throw UsageError(
        fmt::format("{}: '{}' is not a number between 0 and {}; write such as 250, 10k or 1m",
                    option, text, largest));
  }
  return value * factor;
}

std::filesystem::path own_program() {
  return std::filesystem::read_symlink("/proc/self/exe");
}

SweepServer own_server(const Backend& backend, const BenchOptions& options) {
  SweepServer server;
  server.name = backend.name;
  server.command.arguments = {own_program(), "serve", std::string(backend.name), "--port", "0"};
  server.command.speaks_echomux = true;
  server.max_connections = backend.max_connections;
  server.never_sleeps = backend.never_sleeps;
  if (backend.name == "select" && options.select_limit == "none") {
    server.name = "select (no limit)";
    server.max_connections.reset();
    server.command.arguments.insert(server.command.arguments.end(), {"--select-limit", "none"});
  }
  return server;
}

std::vector<SweepServer> choose_servers(const BenchOptions& options) {
  std::vector<std::string> names = options.servers;
  if (names.empty()) {
    names.emplace_back(floor_name);
    for (const Backend& backend : backends()) names.emplace_back(backend.name);
  }
  std::vector<SweepServer> servers;
  for (const std::string& name : names) {
    if (name == floor_name) {
      // The bare system calls, as a foreign server that is only met through its port.
      SweepServer floor;
      floor.name = floor_name;
      floor.command.arguments = {own_program().parent_path() / "benchmarks" / "floor_server",
                                 "{port}"};
      servers.push_back(std::move(floor));
    } else if (const Backend* const backend = find_backend(name)) {
      servers.push_back(own_server(*backend, options));
    } else {
      throw UsageError(
          fmt::format("unknown server '{}'; choose from: floor, {}", name, backend_names()));
    }
  }
  return servers;
}

std::chrono::nanoseconds seconds(double value) {
  return std::chrono::round<std::chrono::nanoseconds>(std::chrono::duration<double>(value));
}

SweepOptions sweep_options(const BenchOptions& options) {
  SweepOptions sweep;
  sweep.servers = choose_servers(options);
  for (const std::string& text : options.idle) {
    sweep.idle_connections.push_back(parse_count(text, "--idle"));
  }
  sweep.active_connections = options.active;
  sweep.message_bytes = options.size;
  sweep.requests_per_second = static_cast<double>(parse_count(options.rate, "--rate"));
  sweep.warmup = seconds(options.warmup_seconds);
  sweep.duration = seconds(options.duration_seconds);
  sweep.pin = !options.no_pin;
  return sweep;
}

// Tells on stderr which trial is running, and how long the rest may take judging by those so far.
class Progress {
 public:
  explicit Progress(std::size_t trials) : trials_(trials) {}

  void before(const Trial& trial) {
    using namespace std::chrono;
    ++current_;
    std::string left;
    if (current_ > 2) {
      const auto spent = steady_clock::now() - begin_;
      const auto rest = spent / (current_ - 1) * (trials_ - current_ + 1);
      left = fmt::format(" (about {:%M:%S} left)", duration_cast<std::chrono::seconds>(rest));
    }
    std::cerr << fmt::format("[{:>2}/{}]{} {}, {} idle: ", current_, trials_, left, trial.server,
                             trial.idle_connections)
              << std::flush;
  }

  static void after(const Trial& trial) { std::cerr << one_line(trial) << '\n'; }

 private:
  std::size_t trials_;
  std::size_t current_ = 0;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

// What this process was started as, for the record.
std::vector<std::string> own_command_line() {
  std::ifstream file("/proc/self/cmdline");
  std::vector<std::string> words;
  for (std::string word; std::getline(file, word, '\0');) words.push_back(word);
  return words;
}

std::filesystem::path output_path(const BenchOptions& options) {
  if (!options.output.empty()) return options.output;
  return std::filesystem::path("results") /
         fmt::format("bench-{:%Y%m%d-%H%M%S}.json", fmt::gmtime(std::time(nullptr)));
}

int bench(const BenchOptions& options, const std::vector<std::string>& command_line) {
  const SweepOptions sweep = sweep_options(options);
  ::signal(SIGPIPE, SIG_IGN);
  std::stop_source stop;
  const SignalThread signals({SIGINT, SIGTERM}, [&](int) { stop.request_stop(); });

  Results results{.context = describe_run(sweep, command_line, ECHOMUX_VERSION), .trials = {}};
  const std::filesystem::path path = output_path(options);
  // Before anything is measured, for a place that can't be written to is better known now.
  write_results(path, results);
  std::cerr << fmt::format("{}; raw results: {}\n", results.context.cpu_plan, path.string());

  Progress progress(sweep.servers.size() * sweep.idle_connections.size());
  std::string write_error;
  const SweepObserver observer{.before = [&](const Trial& trial) { progress.before(trial); },
                               .after =
                                   [&](const Trial& trial) {
                                     Progress::after(trial);
                                     results.trials.push_back(trial);
                                     try {
                                       write_results(path, results);
                                     } catch (const std::exception& error) {
                                       // The figures are still in memory, and the table can still
                                       // be printed.
                                       write_error = error.what();
                                     }
                                   }};
  run_sweep(sweep, observer, stop.get_token());

  std::cout << report(results, TableFormat::text) << std::flush;
  if (!write_error.empty()) throw std::runtime_error(write_error);
  std::cerr << fmt::format("raw results: {}\n", path.string());
  if (stop.stop_requested()) {
    std::cerr
        << "echomux: interrupted; what had been measured by then is in the table and the file\n";
    return exit_interrupted;
  }
  const bool failed = std::ranges::any_of(
      results.trials, [](const Trial& trial) { return trial.outcome == TrialOutcome::failed; });
  return failed ? exit_failure : exit_ok;
}

}  // namespace

void add_bench_command(CLI::App& app, Action& action) {
  CLI::App* const command =
      app.add_subcommand("bench", "Compare the servers beside many idle connections");
  const auto options = std::make_shared<BenchOptions>();
  command
      ->add_option("--backends", options->servers,
                   "Comma-separated, from: floor, " + backend_names() + "; all unless given")
      ->delimiter(',');
  command->add_option("--idle", options->idle, "Numbers of idle connections, such as 0,100,1k,10k")
      ->delimiter(',')
      ->capture_default_str();
  command->add_option("--active", options->active, "Active connections")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  command
      ->add_option("--rate", options->rate,
                   "Requests per second over all active connections; 0: as fast as they can")
      ->capture_default_str();
  command->add_option("--size", options->size, "Bytes per message")
      ->check(CLI::Range(1, 1'048'576))
      ->capture_default_str();
  command->add_option("--duration", options->duration_seconds, "Seconds measured per trial")
      ->check(CLI::Range(0.05, 3600.0))
      ->capture_default_str();
  command->add_option("--warmup", options->warmup_seconds, "Seconds of load before that")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  command->add_flag("--no-pin", options->no_pin, "Don't pin server and client to one CPU each");
  command
      ->add_option("--select-limit", options->select_limit,
                   "'none' lets select watch descriptors beyond FD_SETSIZE")
      ->check(CLI::IsMember({"fd_setsize", "none"}))
      ->capture_default_str();
  command->add_option("-o,--output", options->output,
                      "Where to write the raw results (default: results/bench-TIME.json)");
  command->footer(
      "Progress goes to stderr, the table to stdout, every trial to the results file as soon as it "
      "is done.\nThe floor is a bare epoll loop: what the system calls alone cost.");
  command->callback(
      [options, &action] { action = [options] { return bench(*options, own_command_line()); }; });
}

}  // namespace echomux
