#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>

#include "cli/bench_plan.hpp"
#include "cli/bench_servers.hpp"
#include "cli/capacity.hpp"
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "cli/signal_thread.hpp"
#include "cli/terminal.hpp"
#include "echo/file_descriptor.hpp"
#include "harness/bench/sweep.hpp"
#include "harness/results/results_file.hpp"
#include "harness/text/number_text.hpp"
#include "harness/text/whole_file.hpp"
#include "harness/text/words.hpp"
#include "report/report.hpp"
#include "report/report_page.hpp"

namespace echomux {
namespace {

bool not_trusted(const Trial& trial) {
  const Verdict verdict = trial.judgement.verdict;
  return verdict == Verdict::suspect || verdict == Verdict::invalid;
}

// Tells on stderr which trial is running, how many there are, how long the rest may take judging by
// those so far, and what the last one came to. At a terminal one line changes, and only what isn't
// valid stays; elsewhere each trial has its line.
class BenchProgress {
 public:
  BenchProgress(std::size_t trials, std::size_t done)
      : trials_(trials), finished_(done), done_(done) {}

  void before(const Trial& trial) {
    row_ = fmt::format("{} idle, {}", trial.cell.idle_connections, rate_in_words(trial.cell.rate));
    show(name(trial) + " …" + last_);
  }

  void round(std::size_t round, std::size_t rounds) {
    show(fmt::format("{}: round {} of {}{}", row_, round, rounds, last_));
  }

  void after(const Trial& trial) {
    ++finished_;
    const std::string line = name(trial) + ": " + one_line(trial);
    if (!progress_.shown() || not_trusted(trial)) {
      progress_.clear();
      std::cerr << head(finished_) << line << '\n';
    }
    last_ = "   (last: " + line + ")";
  }

  void counting(const SystemCallCount& count) const {
    progress_.show(fmt::format("counting system calls: {}, {} idle", count.cell.server,
                               count.cell.idle_connections));
  }

  void end() const { progress_.clear(); }

 private:
  void show(const std::string& text) const { progress_.show(head(finished_ + 1) + text); }
  [[nodiscard]] std::string head(std::size_t number) const {
    std::string left;
    if (finished_ > done_ + 1) {
      const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begin_;
      const double done_share = double(finished_ - done_) / double(trials_ - finished_);
      left = " " + time_left(std::floor(passed.count() / done_share));
    }
    return fmt::format("[{:>{}}/{}]{} ", std::min(number, trials_), std::to_string(trials_).size(),
                       trials_, left);
  }
  static std::string name(const Trial& trial) {
    return fmt::format("{}, {} idle, {}", trial.cell.server, trial.cell.idle_connections,
                       rate_in_words(trial.cell.rate));
  }

  std::size_t trials_;
  std::size_t finished_;
  std::size_t done_;  // before this run began
  std::string row_;
  ProgressLine progress_;
  std::string last_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

// The results file, and whether this run has created it, empty.
struct Output {
  std::filesystem::path path;
  bool is_new = false;
  FileDescriptor lock = {};  // on the empty file of that name, until there are results in it
};

// Another run may look at the same free name at this moment: the one that locks it gets it. Nothing
// is held where there is something that this run may write over. Throws UsageError.
FileDescriptor hold_name(const std::filesystem::path& path, bool force) {
  std::error_code none;
  const std::filesystem::file_status there = std::filesystem::status(path, none);
  const bool is_free = !exists(there) || (is_regular_file(there) && file_size(path, none) == 0);
  if (!is_free && (force || !is_regular_file(there))) return {};
  FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
  if (!file) return {};  // and to write will say why
  struct stat held {};
  struct stat named {};
  const bool locked = ::flock(file.get(), LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
  // Its results take the place of the empty file in one step.
  const bool still_there = ::fstat(file.get(), &held) == 0 && ::stat(path.c_str(), &named) == 0 &&
                           held.st_ino == named.st_ino && held.st_dev == named.st_dev;
  if (locked && still_there && held.st_size == 0) return file;
  throw UsageError(fmt::format("{} is another run's, which has begun just now; choose another name",
                               path.string()));
}

// results/, or else where programs keep what their user may want again: the state directory of the
// XDG Base Directory Specification.
std::vector<std::filesystem::path> output_folders() {
  std::vector<std::filesystem::path> folders{"results"};
  const auto add = [&](const char* variable, const char* below) {
    const char* const folder = std::getenv(variable);
    if (folder != nullptr && *folder == '/') {
      folders.push_back(std::filesystem::path(folder) / below);
    }
  };
  add("XDG_STATE_HOME", "echomux");
  add("HOME", ".local/state/echomux");
  return folders;
}

// A name in this folder that no other run has taken or will take. On failure errno says why.
std::optional<std::filesystem::path> take_name(const std::filesystem::path& folder) {
  std::error_code error;
  const bool made = std::filesystem::create_directories(folder, error);
  if (error) {
    errno = error.value();
    return std::nullopt;
  }
  if (made) std::cerr << fmt::format("echomux: made the folder {}\n", folder.string());
  const std::string time = utc_now("bench-%Y%m%d-%H%M%S");
  for (int i = 1;; ++i) {
    const std::filesystem::path path =
        folder / fmt::format("{}{}.json", time, i == 1 ? "" : fmt::format("-{}", i));
    const FileDescriptor created(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (created) return path;
    if (errno != EEXIST) return std::nullopt;
  }
}

// The page to look at, beside its results. A device or a pipe has none beside it.
std::optional<std::filesystem::path> page_of(const std::filesystem::path& results,
                                             const BenchArguments& arguments) {
  const std::filesystem::file_status status = std::filesystem::status(results);
  const bool is_file = !std::filesystem::exists(status) || is_regular_file(status);
  if (arguments.no_report || !is_file) return std::nullopt;
  return std::filesystem::path(results).replace_extension(".html");
}

Output choose_output(const BenchArguments& arguments) {
  const bool resumed = !arguments.resume.empty();
  const std::filesystem::path given = resumed ? arguments.resume : arguments.output;
  const auto page = page_of(given, arguments);
  if (!given.empty() && page == given) {
    throw UsageError(fmt::format(
        "{}: the page would take the place of the results; call them {}, or give --no-report",
        given.string(), std::filesystem::path(given).replace_extension(".json").string()));
  }
  std::error_code none;
  const bool was_free = !std::filesystem::exists(std::filesystem::symlink_status(given, none));
  // The page beside a run that goes on is its own.
  if (resumed) return {given};
  if (!given.empty()) {
    check_output(given, arguments.force, "results");
    if (page) check_output(*page, arguments.force, "report");
    return {given, was_free, hold_name(given, arguments.force)};
  }
  for (const std::filesystem::path& folder : output_folders()) {
    if (const auto path = take_name(folder)) return {*path, true};
    std::cerr << fmt::format("echomux: cannot write to {}: {}\n", folder.string(),
                             std::generic_category().message(errno));
  }
  throw std::runtime_error("nowhere to write the results to; choose a place with -o");
}

// The results file and what is in it so far.
class Recorder {
 public:
  Recorder(const Output& output, Results results)
      : path_(output.path), results_(std::move(results)), trials_written_(trials()) {
    // Before anything is measured, for a place that can't be written to is better known now.
    try {
      write_results(path_, results_);
    } catch (...) {
      std::error_code ignored;
      if (output.is_new) std::filesystem::remove(path_, ignored);
      throw;
    }
  }

  [[nodiscard]] const Results& results() const { return results_; }

  // Writes a last time. Throws std::runtime_error, which says what is missing in the file and how
  // to have it measured again, when that can't be done.
  void finish() {
    write();
    if (error_.empty()) return;
    throw std::runtime_error(fmt::format(
        "{}\nThe table has {} trials, the file has {}; mend its place and have the others measured "
        "again with: echomux bench --resume {}",
        error_, trials(), trials_written_, path_.string()));
  }

  void add(const Trial& trial) {
    // What an interruption cut off is no result; a resumed run does it again.
    if (trial.outcome.kind != OutcomeKind::interrupted) results_.trials.push_back(trial);
    write();
  }
  void add(const SystemCallCount& count) {
    results_.system_calls.push_back(count);
    write();
  }
  void set_ceiling(double rps) { results_.client_ceiling_rps = rps; }

 private:
  [[nodiscard]] std::size_t trials() const { return results_.trials.size(); }

  // Whatever could not be written on the way too, when there is room again. The figures are in
  // memory meanwhile; told at once, the user can still make room before they are lost.
  void write() {
    try {
      write_results(path_, results_);
    } catch (const std::exception& error) {
      if (error_.empty()) {
        std::cerr << fmt::format(
            "echomux: warning: {} can't be written now, which is tried again "
            "after every trial: {}\n",
            path_.string(), error.what());
      }
      error_ = error.what();
      return;
    }
    if (!error_.empty()) {
      std::cerr << fmt::format("echomux: {} can be written again\n", path_.string());
    }
    error_.clear();
    trials_written_ = trials();
  }

  std::filesystem::path path_;
  Results results_;
  std::size_t trials_written_;
  std::string error_;
};

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

// True when a server of the user's has no figure at all: whatever the reason, this isn't what was
// asked for.
bool says_nothing_of_some(const SweepPlan& plan, const std::vector<Trial>& trials) {
  return std::ranges::any_of(plan.servers, [&](const ServerSpec& spec) {
    return spec.backend.empty() && std::ranges::none_of(trials, [&](const Trial& trial) {
             return trial.cell.server == spec.name && trial.has_figures();
           });
  });
}

int bench(const BenchArguments& arguments) {
  Interruption stop;

  Results begun = begin_results(arguments);
  const SweepPlan plan = begun.context.plan;
  check_server_cpus(plan);
  std::vector<SweepServer> servers;
  servers.reserve(plan.servers.size());
  for (const ServerSpec& spec : plan.servers) servers.push_back(make_server(spec));
  Output output = choose_output(arguments);
  const std::filesystem::path& path = output.path;
  const SweepDone done{begun.trials, begun.system_calls, begun.client_ceiling_rps};
  Recorder recorder(output, std::move(begun));
  output.lock.reset();
  std::cerr << fmt::format("{}; order of the trials from seed {}; raw results: {}\n",
                           recorder.results().context.cpu_plan, plan.seed, path.string());

  for (const std::string& sentence :
       beyond_capacity(plan, arguments.resume.empty() ? recorder.results().context.machine
                                                      : describe_machine())) {
    std::cerr << fmt::format("echomux: warning: {}\n", sentence);
  }

  BenchProgress progress(schedule_trials(plan).size(), done.trials.size());
  SweepObserver observer;
  observer.before = [&](const Trial& trial) { progress.before(trial); };
  observer.round = [&](std::size_t round, std::size_t rounds) { progress.round(round, rounds); };
  observer.after = [&](const Trial& trial) {
    progress.after(trial);
    recorder.add(trial);
  };
  observer.counted = [&](const SystemCallCount& count) {
    progress.counting(count);
    recorder.add(count);
  };
  observer.ceiling = [&](double rps) { recorder.set_ceiling(rps); };
  observer.shared_cpus = [&](const std::vector<int>& cpus) {
    progress.end();
    std::cerr << fmt::format(
        "echomux: warning: another run of echomux measures on CPU {} at this time, and each spoils "
        "the other's figures; their trials are suspect\n",
        fmt::join(cpus, " and "));
  };
  observer.no_ceiling = [&](const std::string& why) {
    progress.end();
    std::cerr << "echomux: warning: what the client reaches against the floor is not known: " << why
              << '\n';
  };
  run_sweep(plan, servers, floor_server(), done, observer, stop.token());
  progress.end();

  std::cout << report(recorder.results(), report_format(arguments.format)) << std::flush;
  recorder.finish();
  std::cerr << fmt::format("raw results: {}\n", path.string());
  if (const auto page = page_of(path, arguments)) {
    write_whole_file(*page, report_page({{path.filename().string(), recorder.results()}}),
                     "report");
    std::cerr << fmt::format("report to look at: {}\n", page->string());
  }
  if (!std::cout) {
    throw std::runtime_error(fmt::format(
        "cannot write the table to stdout; print it again with: echomux show {}", path.string()));
  }
  if (stop.requested()) {
    std::cerr << fmt::format(
        "echomux: interrupted; what had been measured by then is in the table and the file; go on "
        "with: echomux bench --resume {}{}\n",
        path.string(), arguments.no_report ? " --no-report" : "");
  }
  const std::vector<Trial>& trials = recorder.results().trials;
  const bool failed = std::ranges::any_of(
      trials, [](const Trial& trial) { return trial.outcome.kind == OutcomeKind::failed; });
  return exit_status(kind_of_all(stop.requested(), failed || says_nothing_of_some(plan, trials)),
                     arguments.strict && std::ranges::any_of(trials, not_trusted));
}

}  // namespace

Command bench_command() {
  const auto to = std::make_shared<BenchArguments>();
  std::vector<Option> options = plan_options(*to);
  std::vector<std::string> plan;
  plan.reserve(options.size());
  for (const Option& option : options) plan.push_back(names_of(option).back());
  options.insert(
      options.end(),
      {{"--resume", "Go on with the run in this results file, where it was interrupted",
        file(&to->resume), plan},
       {"--format", "What to print on stdout",
        one_of(&to->format, {"text", "markdown", "csv", "json"})},
       force_option(to->force),
       {"--no-report", "Don't make the page to look at, which else is put beside the results file",
        &to->no_report},
       {"--strict", "Exit with status 3 when a trial isn't valid", &to->strict}});
  return {"bench", "Compare the servers beside many idle connections", options,
          "Progress goes to stderr, the table to stdout, every trial to the results file as soon "
          "as it is done.\nThe floor is a bare epoll loop: what the system calls alone cost.\nExit "
          "status: 0 measured, 1 a server or the run failed, 2 wrong use, 3 not valid with "
          "--strict, 130 interrupted.",
          [to] { return bench(*to); }};
}

}  // namespace echomux
