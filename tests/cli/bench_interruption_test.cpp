// SIGINT and SIGTERM at every moment of a sweep: what has been measured by then is kept, nothing
// else is left behind, and --resume goes on from there.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <sstream>
#include <thread>

#include "echo/system_call.hpp"
#include "harness/results/results_file.hpp"
#include "tests/support/background_bench.hpp"
#include "tests/support/network_namespace.hpp"
#include "tests/support/process_info.hpp"
#include "tests/support/program.hpp"
#include "tests/support/traces.hpp"
#include "tests/support/trials.hpp"

namespace echomux {
namespace {

using std::chrono::microseconds;
using ::testing::IsEmpty;
using ::testing::IsSubsetOf;
using ::testing::SizeIs;

// Two servers beside two numbers of idle connections, twice each.
constexpr std::size_t trials_planned = 8;

// Those whose system calls are counted. On a busy machine no request may come into a window so
// short.
std::size_t cells_with_figures(const Results& results) {
  std::set<CellKey> cells;
  for (const Trial& trial : results.trials) {
    if (trial.has_figures()) cells.insert(key(trial.cell));
  }
  return cells.size();
}

// One of the servers leaves a process of its own behind when nobody ends it.
std::vector<std::string> sweep(const std::filesystem::path& results) {
  const std::string litter =
      std::string("litter=sh -c 'sleep 86124 & exec ") + ODD_SERVER + " {port} plain'";
  return {"bench",         "--backends",  "epoll_lt",      "--server",  litter,
          "--idle",        "0,20",        "--repetitions", "2",         "--duration",
          "50ms",          "--warmup",    "20ms",          "--timeout", "10s",
          "--no-pin",      "--let-sleep", "--seed",        "5",         "-o",
          results.string()};
}

// When signals are sent: so long after the condition has come true for the `count`th time.
struct Moment {
  enum class Since : std::uint8_t { start, part, page, line, child };
  Since since = Since::start;
  int count = 1;
  microseconds after{0};
  std::vector<int> signals{SIGINT};
  microseconds between{0};   // one signal and the next
  bool servers_too = false;  // they get SIGTERM right after it, as when a service is stopped

  [[nodiscard]] std::string text() const {
    static constexpr std::array names{"start", "writing results", "writing the page",
                                      "a line on stderr", "a child"};
    std::string text = std::to_string(after.count()) + " us after " +
                       names.at(static_cast<std::size_t>(since)) + " " + std::to_string(count);
    for (const int signal : signals) text += " " + std::to_string(signal);
    return text;
  }
};

// Tells of each file that is created in a directory (inotify(7)).
class Created {
 public:
  explicit Created(const std::filesystem::path& directory)
      : events_(check(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC), "inotify_init1")) {
    check(::inotify_add_watch(events_.get(), directory.c_str(), IN_CREATE), "inotify_add_watch");
  }

  // How many of this name have been so far; waits a little for one more.
  int count(const std::string& name) {
    pollfd readable{.fd = events_.get(), .events = POLLIN, .revents = 0};
    ::poll(&readable, 1, 2);
    alignas(inotify_event) std::array<char, 4096> buffer{};
    for (ssize_t size = 0; (size = ::read(events_.get(), buffer.data(), buffer.size())) > 0;) {
      for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
        inotify_event event{};
        std::memcpy(&event, &buffer.at(at), sizeof event);
        names_.emplace_back(&buffer.at(at + sizeof event));
        at += sizeof event + event.len;
      }
    }
    return static_cast<int>(std::ranges::count(names_, name));
  }

 private:
  FileDescriptor events_;
  std::vector<std::string> names_;
};

// One sweep that is interrupted, and what it leaves.
class InterruptedSweep {
 public:
  explicit InterruptedSweep(Moment moment) : moment_(std::move(moment)) {}

  // Runs in a thread of its own, in a network of its own where that is permitted.
  void interrupt() {
    enter_network();
    const FileDescriptor err(
        check(::open(err_path().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600), "open"));
    Created created(results_.path());
    Program bench(sweep(path()), {.in = -1, .out = -1, .err = err.get()});
    static_cast<void>(
        eventually(patience, [&] { return has_come(bench, created) || has_ended(bench); }));
    if (moment_.after.count() > 0) std::this_thread::sleep_for(moment_.after);
    lines_before_ = finished_trials();
    for (const int signal : moment_.signals) {
      if (signal != moment_.signals.front()) std::this_thread::sleep_for(moment_.between);
      bench.send_signal(signal);
    }
    if (moment_.servers_too) {
      std::istringstream servers(children(bench));
      for (pid_t server = 0; servers >> server;) ::kill(server, SIGTERM);
    }
    try {
      status_ = bench.wait();
    } catch (const std::runtime_error& error) {
      killed_ = error.what();
    }
    listening_ = network_ ? listening_sockets() : 0;
    network_.reset();
  }

  // What it left is whole, and no less than had been measured.
  void check_what_is_left() {
    SCOPED_TRACE(moment_.text() + "; stderr: " + file_text(err_path()));
    EXPECT_EQ(listening_, 0U);
    if (!killed_.empty()) {
      // That soon, there was nothing yet to be kept.
      EXPECT_TRUE(killed_.starts_with("signal")) << killed_;
      EXPECT_THAT(names_in(results_.path()), IsEmpty());
      return;
    }
    EXPECT_TRUE(status_ == 130 || status_ == 0) << status_;
    EXPECT_THAT(names_in(results_.path()),
                IsSubsetOf(std::vector<std::string>{"results.html", "results.json"}));
    EXPECT_EQ(run_program({"show", path().string()}).status, 0);
    before_ = read_results(path());
    EXPECT_GE(before_->trials.size(), lines_before_);
    if (status_ == 0) {
      EXPECT_THAT(before_->trials, SizeIs(trials_planned));
      EXPECT_THAT(before_->system_calls, SizeIs(cells_with_figures(*before_)));
    }
    const std::string page = file_text(results_ / "results.html");
    EXPECT_TRUE(page.empty() || page.ends_with("</html>\n")) << page.substr(page.size() - 20);
    check_figures(*before_);
  }

  void resume() {
    if (!before_) return;
    enter_network();
    Program bench({"bench", "--resume", path().string()}, {});
    status_ = bench.wait();
    network_.reset();
  }

  void check_that_it_is_complete() {
    if (!before_) return;
    SCOPED_TRACE(moment_.text());
    EXPECT_EQ(status_, 0);
    const Results after = read_results(path());
    ASSERT_THAT(after.trials, SizeIs(trials_planned));
    EXPECT_THAT(after.system_calls, SizeIs(cells_with_figures(after)));
    check_figures(after);
    for (std::size_t i = 0; i < before_->trials.size(); ++i) {
      EXPECT_EQ(after.trials[i].load->latency_us.mean, before_->trials[i].load->latency_us.mean);
    }
    for (const ScheduledTrial& planned : schedule_trials(after.context.plan)) {
      const auto same = [&](const Trial& trial) {
        return trial.cell == planned.cell && trial.repetition == planned.repetition;
      };
      EXPECT_EQ(std::ranges::count_if(after.trials, same), 1);
    }
    EXPECT_TRUE(file_text(results_ / "results.html").ends_with("</html>\n"));
  }

  // How it ended: "signal ..." or its exit status.
  [[nodiscard]] std::string end() const {
    return killed_.empty() ? std::to_string(status_) : killed_;
  }

 private:
  [[nodiscard]] std::filesystem::path path() const { return results_ / "results.json"; }
  [[nodiscard]] std::filesystem::path err_path() const { return streams_ / "err"; }

  void enter_network() {
    if (NetworkNamespace::why_not().empty()) network_.emplace();
  }

  static bool has_ended(const Program& bench) {
    return file_text("/proc/" + std::to_string(bench.pid()) + "/stat").find(") Z ") !=
           std::string::npos;
  }

  // Lines such as "[3/8] ..." on stderr: those trials are measured and are to be kept.
  [[nodiscard]] std::size_t finished_trials() const {
    const std::string text = file_text(err_path());
    std::size_t count = text.starts_with('[') ? 1 : 0;
    for (std::size_t at = 0; (at = text.find("\n[", at)) != std::string::npos; ++at) ++count;
    return count;
  }

  static std::string children(const Program& bench) {
    const std::string pid = std::to_string(bench.pid());
    return file_text("/proc/" + pid + "/task/" + pid + "/children");
  }

  bool has_come(const Program& bench, Created& created) {
    switch (moment_.since) {
      case Moment::Since::start:
        return true;
      case Moment::Since::part:
        return created.count("results.json.part") >= moment_.count;
      case Moment::Since::page:
        return created.count("results.html.part") >= moment_.count;
      case Moment::Since::line:
        return static_cast<int>(finished_trials()) >= moment_.count;
      case Moment::Since::child:
        break;
    }
    const std::string now = children(bench);
    if (now != children_ && !now.empty()) ++children_seen_;
    children_ = now;
    return children_seen_ >= moment_.count;
  }

  // Whatever is there was really measured: nothing that an interruption cut off.
  static void check_figures(const Results& results) {
    for (const Trial& trial : results.trials) {
      EXPECT_EQ(trial.outcome.kind, OutcomeKind::measured)
          << trial.cell.server << ": " << trial.outcome.sentence;
    }
    for (const SystemCallCount& count : results.system_calls) {
      EXPECT_NE(count.unavailable, "the counting pass was not completed") << count.cell.server;
    }
  }

  Moment moment_;
  TemporaryDirectory results_;
  TemporaryDirectory streams_;
  std::optional<NetworkNamespace> network_;
  std::string children_;
  int children_seen_ = 0;
  std::size_t lines_before_ = 0;
  int status_ = -1;
  std::string killed_;
  std::size_t listening_ = 0;
  std::optional<Results> before_;
};

// Interrupts sweeps at these moments, some at a time, and has each go on.
void try_moments(const std::vector<Moment>& moments) {
  constexpr std::size_t at_once = 8;
  for (std::size_t begin = 0; begin < moments.size(); begin += at_once) {
    std::vector<std::unique_ptr<InterruptedSweep>> runs;
    for (std::size_t i = begin; i < std::min(begin + at_once, moments.size()); ++i) {
      runs.push_back(std::make_unique<InterruptedSweep>(moments[i]));
    }
    const Traces traces;  // of them all; their own directories are made before it
    const auto all = [&](void (InterruptedSweep::*step)()) {
      std::vector<std::jthread> threads;
      threads.reserve(runs.size());
      for (const auto& run : runs) threads.emplace_back([&run, step] { ((*run).*step)(); });
    };
    const auto nothing_is_left = [&] {
      EXPECT_THAT(traces.processes(), IsEmpty()) << "moments from number " << begin;
      EXPECT_THAT(traces.temporary_files(), IsEmpty()) << "moments from number " << begin;
    };
    all(&InterruptedSweep::interrupt);
    nothing_is_left();
    for (const auto& run : runs) run->check_what_is_left();
    all(&InterruptedSweep::resume);
    nothing_is_left();
    for (const auto& run : runs) run->check_that_it_is_complete();
  }
}

// How long the sweep takes when nobody interrupts it.
microseconds undisturbed() {
  const TemporaryDirectory directory;
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(run_program(sweep(directory / "results.json")).status, 0);
  return std::chrono::duration_cast<microseconds>(std::chrono::steady_clock::now() - begin);
}

TEST(BenchInterruption, KeepsWhatWasMeasuredAtAnyMoment) {
  const auto seed = std::random_device()();
  RecordProperty("seed", std::to_string(seed));
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  constexpr int spread = 12;
  const microseconds whole = undisturbed();
  std::vector<Moment> moments;
  for (int i = 0; i < spread; ++i) {
    // One at random within each of as many equal parts.
    std::uniform_int_distribution<std::int64_t> within(0, whole.count() / spread);
    moments.push_back({.after = i * whole / spread + microseconds(within(random)),
                       .signals = {i % 2 == 0 ? SIGINT : SIGTERM}});
  }
  try_moments(moments);
}

TEST(BenchInterruption, LeavesWholeFilesWhenItComesWhileTheyAreWritten) {
  std::vector<Moment> moments;
  // Before anything is measured, after the first trials and the last, of the counting passes, at
  // the end.
  for (const int count : {1, 2, 3, 9, 10, 13, 14}) {
    moments.push_back({.since = Moment::Since::part, .count = count, .signals = {SIGTERM}});
  }
  moments.push_back({.since = Moment::Since::page, .signals = {SIGTERM}});
  try_moments(moments);
}

TEST(BenchInterruption, StopsAtAServersStartAndBetweenTrials) {
  std::vector<Moment> moments;
  // A server's start, its connections, its window, its end; and what comes after a trial.
  for (const int count : {1, 2, 3, 10}) {
    moments.push_back({.since = Moment::Since::child, .count = count, .signals = {SIGINT}});
  }
  for (const int count : {1, 4, 8}) {
    moments.push_back({.since = Moment::Since::line, .count = count, .signals = {SIGTERM}});
  }
  try_moments(moments);
}

TEST(BenchInterruption, TakesASecondSignalCalmly) {
  std::vector<Moment> moments;
  for (const auto between : {microseconds(0), microseconds(500), microseconds(5000)}) {
    for (const int count : {2, 6}) {
      moments.push_back({.since = Moment::Since::line,
                         .count = count,
                         .after = microseconds(30'000),
                         .signals = {SIGINT, SIGTERM},
                         .between = between});
    }
    moments.push_back({.since = Moment::Since::part,
                       .count = 4,
                       .signals = {SIGTERM, SIGINT},
                       .between = between});
  }
  try_moments(moments);
}

TEST(BenchInterruption, BlamesNoServerThatWasEndedWithIt) {
  std::vector<Moment> moments;
  moments.reserve(8);
  for (int i = 0; i < 8; ++i) {
    moments.push_back({.since = Moment::Since::line,
                       .count = 1 + i % 3,
                       .after = microseconds(20'000 + 10'000 * i),
                       .signals = {SIGTERM},
                       .servers_too = true});
  }
  try_moments(moments);
}

TEST(BenchInterruption, DoesNotWaitForAServerThatNeverListens) {
  const TemporaryDirectory directory;
  const Traces traces;
  BackgroundBench bench(directory / "results.json",
                        {"--backends", "none", "--server", "hung=sleep {port}", "--idle", "0"});
  ASSERT_TRUE(eventually(patience, [&] {
    return std::ranges::any_of(traces.processes(), [](const std::string& process) {
      return process.find(": sleep ") != std::string::npos;
    });
  }));
  const auto begin = std::chrono::steady_clock::now();
  bench.send_signal(SIGINT);
  EXPECT_EQ(bench.finish().status, 130);
  // It would be waited for ten seconds.
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  EXPECT_THAT(read_results(directory / "results.json").trials, IsEmpty());
  EXPECT_THAT(traces.processes(), IsEmpty());
}

}  // namespace
}  // namespace echomux
