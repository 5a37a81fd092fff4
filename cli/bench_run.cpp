#include "cli/bench_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iostream>

#include "cli/bench_output.hpp"
#include "cli/bench_servers.hpp"
#include "cli/capacity.hpp"
#include "cli/command.hpp"
#include "cli/terminal.hpp"
#include "harness/bench/summary.hpp"
#include "harness/text/number_text.hpp"
#include "harness/text/text_width.hpp"
#include "harness/text/whole_file.hpp"
#include "harness/text/words.hpp"
#include "report/answer.hpp"
#include "report/cost_chart.hpp"
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
  BenchProgress(std::size_t trials, std::size_t done, double seconds_each)
      : trials_(trials), finished_(done), done_(done), seconds_each_(seconds_each) {}

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
      take_back();
      std::cerr << head(finished_) << line << '\n';
      stand();
    }
    last_ = "   (last: " + line + ")";
  }

  // At a terminal in the place of what was said before.
  void say(const std::string& sentence) {
    take_back();
    standing_ = wrap_words(sentence, terminal_columns() - 1);
    stand();
  }

  void counting(const SystemCallCount& count) const {
    progress_.show(fmt::format("counting system calls: {}, {} idle", count.cell.server,
                               count.cell.idle_connections));
  }

  void end() {
    take_back();
    standing_.clear();
  }

 private:
  void take_back() const {
    progress_.clear();
    if (!standing_.empty()) std::cerr << fmt::format("\x1b[{}A\x1b[J", standing_.size());
  }
  void stand() {
    for (const std::string& line : standing_) std::cerr << line << '\n';
    if (!progress_.shown()) standing_.clear();
  }
  void show(const std::string& text) const { progress_.show(head(finished_ + 1) + text); }
  [[nodiscard]] std::string head(std::size_t number) const {
    double each = seconds_each_;
    if (finished_ > done_ + 1) {
      const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begin_;
      each = passed.count() / double(finished_ - done_);
    }
    const std::string left =
        " " + time_left(std::floor(each * double(trials_ - std::min(finished_, trials_))));
    return fmt::format("[{:>{}}/{}]{} ", std::min(number, trials_), std::to_string(trials_).size(),
                       trials_, left);
  }
  static std::string name(const Trial& trial) {
    return fmt::format("{}, {} idle, {}", trial.cell.server, trial.cell.idle_connections,
                       rate_in_words(trial.cell.rate));
  }

  std::size_t trials_;
  std::size_t finished_;
  std::size_t done_;     // before this run began
  double seconds_each_;  // as expected, until the first two are done
  std::string row_;
  ProgressLine progress_;
  std::string last_;
  std::vector<std::string> standing_;  // the lines that the last sentence has at the terminal
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

// What the figures so far come to, whenever there is something new to say: when the first two rows
// are there, which the answer is about, and after each repetition but the last.
std::string answer_so_far(const Results& results) {
  const SweepPlan& plan = results.context.plan;
  const std::size_t row = plan.servers.size();
  const std::size_t repetition = row * plan.idle_connections.size() * plan.rates.size();
  const std::size_t done = results.trials.size();
  const bool news = done == row || done == 2 * row || (repetition > 0 && done % repetition == 0);
  if (!news || done == 0 || done >= repetition * plan.repetitions ||
      plan.slice <= std::chrono::nanoseconds(0)) {
    return "";
  }
  const std::vector<std::string> sentences = answer(summarize(results));
  return fmt::format("so far, after {} of {} trials: {}", done, repetition * plan.repetitions,
                     joined(sentences, " "));
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

}  // namespace

int run_bench(const BenchArguments& arguments, const Sweeper& sweep, const std::stop_token& stop) {
  // Before it is read: what another run adds to it meanwhile would be lost.
  if (!arguments.resume.empty() && is_held(arguments.resume)) {
    throw UsageError(fmt::format("{} is another run's, which is writing it", arguments.resume));
  }
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

  // Starting a server and opening its connections takes about half a second of each.
  const double seconds_each =
      0.5 + std::chrono::duration<double>(plan.load.warmup + plan.load.duration).count();
  BenchProgress progress(schedule_trials(plan).size(), done.trials.size(), seconds_each);
  SweepObserver observer;
  observer.before = [&](const Trial& trial) { progress.before(trial); };
  observer.round = [&](std::size_t round, std::size_t rounds) { progress.round(round, rounds); };
  observer.after = [&](const Trial& trial) {
    progress.after(trial);
    recorder.add(trial);
    if (const std::string so_far = answer_so_far(recorder.results()); !so_far.empty()) {
      progress.say(so_far);
    }
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
  sweep({plan, servers, done, observer, stop});
  progress.end();

  const std::size_t width = output_columns();
  std::cout << report(recorder.results(), report_format(arguments.format), width);
  if (width > 0 && arguments.format == "text") {
    std::cout << '\n' << cost_chart(recorder.results(), width);
  }
  std::cout << std::flush;
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
  if (stop.stop_requested()) {
    std::cerr << fmt::format(
        "echomux: interrupted; what had been measured by then is in the table and the file; go on "
        "with: {} bench --resume {}{}\n",
        arguments.program, path.string(), arguments.no_report ? " --no-report" : "");
  }
  const std::vector<Trial>& trials = recorder.results().trials;
  const bool failed = std::ranges::any_of(
      trials, [](const Trial& trial) { return trial.outcome.kind == OutcomeKind::failed; });
  return exit_status(
      kind_of_all(stop.stop_requested(), failed || says_nothing_of_some(plan, trials)),
      arguments.strict && std::ranges::any_of(trials, not_trusted));
}

}  // namespace echomux
