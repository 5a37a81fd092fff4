#include "harness/load/swarm.hpp"

#include <sys/prctl.h>
#include <unistd.h>

#include <cmath>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "harness/load/echo_probe.hpp"
#include "harness/load/swarm_reading.hpp"
#include "harness/load/swarm_worker.hpp"
#include "harness/machine/cgroup.hpp"
#include "harness/machine/cpu.hpp"
#include "harness/machine/taken_time.hpp"
#include "harness/text/time_units.hpp"

namespace echomux {
namespace {

using Clock = SwarmWorker::Clock;
using std::chrono::nanoseconds;

// Between two reports of progress. For a swarm that stands still, as when it is stopped, this is
// short enough to be seen in nearly all cases.
constexpr nanoseconds progress_interval = std::chrono::milliseconds(250);
// How long it may take to hear of a stop while nothing else goes on.
constexpr nanoseconds stop_interval = std::chrono::milliseconds(50);
// A load that begins later than this after its time has a schedule of its own; before, it has the
// one that all who begin at that time have.
constexpr nanoseconds late = std::chrono::milliseconds(1);

}  // namespace

// Leads the workers through the steps: all open their connections, then each slice of the load
// begins for all at the same time, then all close. The calling thread sleeps but for the readings,
// so that these cost the load nothing.
class Swarm::Crew {
 public:
  Crew(const SwarmOptions& options, std::stop_token stop)
      : options_(options), stop_(std::move(stop)), text_(options.load.payload) {
    workers_.reserve(options_.load.threads);
    for (std::size_t i = 0; i < options_.load.threads; ++i) {
      workers_.push_back(std::make_unique<Worker>(options_, text_, i, halt_.get_token()));
    }
  }

  // The workers must not wait for further steps when no further thread can be had, or a callback
  // has thrown.
  ~Crew() {
    halt_.request_stop();
    enter(Step::close);
  }
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  void open() {
    begin_ = Clock::now();
    step_ = Step::open;
    for (const auto& worker : workers_) {
      worker->thread = std::jthread([this, &worker = *worker] { work(worker); });
    }
    wait_for_all();
    open_ = true;
    if (!going_on()) return;
    options_.on_connections_open();
    if (!options_.probe) return;
    const ProbedEcho echo = probe_echo(options_.server, probe_);
    result_.altered = echo.altered;
    result_.probe_unanswered = !echo.came;
  }

  [[nodiscard]] bool going_on() const noexcept { return open_ && !halt_.stop_requested(); }

  Clock::time_point await(std::chrono::system_clock::time_point moment) {
    for (;;) {
      // Anew each time, since the system's clock may be set meanwhile.
      const nanoseconds left = moment - std::chrono::system_clock::now();
      const Clock::time_point then = Clock::now() + left;
      stop_if_asked();
      if (left <= stop_interval || !going_on()) return then;
      if (options_.on_progress) report_progress(left);
      std::this_thread::sleep_for(std::min(left - stop_interval / 2, stop_interval));
    }
  }

  SwarmSlice load(nanoseconds warmup, nanoseconds duration, bool counted,
                  std::optional<Clock::time_point> start) {
    if (!going_on()) return {};
    while (start && Clock::now() < *start && !stop_.stop_requested()) {
      std::this_thread::sleep_until(std::min(*start, Clock::now() + stop_interval));
    }
    stop_if_asked();
    start_ = Clock::now();
    const nanoseconds behind = start ? start_ - *start : nanoseconds(0);
    if (start && behind <= late) start_ = *start;
    if (result_.windows == 0) {
      result_.window_began = std::chrono::system_clock::now() + (start_ + warmup - Clock::now());
    }
    // For the workers all of a slice that isn't counted is warm-up.
    warmup_ = counted ? warmup : warmup + duration;
    duration_ = counted ? duration : nanoseconds(0);
    enter(Step::load);
    // What reading the server's figures takes shall be over when the window begins.
    wait_for_all(start_ + warmup - std::min(options_.reading_time, warmup / 2));
    // The workers go on meanwhile, so the callback comes first and the reading close after it.
    std::optional<SwarmReading> begin;
    if (going_on()) {
      options_.on_window_begin();
      begin = read();
    }
    // Not until the last straggler has come in, or the costs would be spread over that time, too.
    wait_for_all(start_ + warmup + duration);
    // But if only stragglers tell what a request costs, they do.
    if (begin && requests_completed() == begin->completed) wait_for_all();
    SwarmSlice slice;
    if (begin) {
      const SwarmReading end = read();
      options_.on_window_end();
      slice.requests = end.completed - begin->completed;
      slice.time = end.time - begin->time;
      if (counted) {
        ++result_.windows;
        begin_sum_.add(*begin);
        end_sum_.add(end);
      }
    }
    wait_for_all();
    for (const auto& worker : workers_) {
      slice.drained = slice.drained && worker->drained();
      slice.lost_at_rest = slice.lost_at_rest || worker->lost_at_rest();
    }
    if (start) result_.started_late = std::max(result_.started_late, started_late(behind));
    return slice;
  }

  // Between two steps, so that no worker is at work.
  void check() const {
    for (const auto& worker : workers_) {
      if (worker->error) std::rethrow_exception(worker->error);
    }
  }

  SwarmResult close() {
    enter(Step::close);
    for (const auto& worker : workers_) {
      if (worker->thread.joinable()) worker->thread.join();
    }
    check();
    measure(begin_sum_, end_sum_, result_);
    add_up();
    return std::move(result_);
  }

 private:
  enum class Step : std::uint8_t { open, load, close };

  struct Worker : SwarmWorker {
    using SwarmWorker::SwarmWorker;
    std::atomic<pid_t> tid = 0;
    std::exception_ptr error;
    std::jthread thread;
  };

  // --- what each worker's thread does ---

  void work(Worker& worker) {
    worker.tid = ::gettid();
    // Without this the kernel may wake us 50 µs late, to save wake-ups; see prctl(2).
    ::prctl(PR_SET_TIMERSLACK, 1UL);
    const auto guarded = [&](auto&& step) {
      try {
        if (!worker.error) step();
      } catch (...) {
        worker.error = std::current_exception();
      }
      // What ends one worker ends the run.
      if (worker.error || worker.result().outcome.reason != RunEnd::completed) halt_.request_stop();
    };
    guarded([&] { worker.open_connections(); });
    finish();
    for (std::size_t entered = 0; await_next(entered) != Step::close;) {
      guarded([&] { worker.run_load(start_, warmup_, duration_); });
      finish();
    }
    guarded([&] { worker.check_idle_connections(); });
    worker.close_connections();
  }

  void finish() {
    const std::lock_guard lock(mutex_);
    ++finished_;
    changed_.notify_all();
  }

  // The step after so many, which it counts.
  Step await_next(std::size_t& entered) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return entered_ > entered; });
    entered = entered_;
    return step_;
  }

  // --- what the calling thread does ---

  void enter(Step step) {
    const std::lock_guard lock(mutex_);
    step_ = step;
    ++entered_;
    finished_ = 0;
    changed_.notify_all();
  }

  // Until all workers are through with the step, but not beyond `limit`.
  void wait_for_all(Clock::time_point limit = Clock::time_point::max()) {
    const std::stop_callback forward(stop_, [this] { halt_.request_stop(); });
    std::unique_lock lock(mutex_);
    const auto done = [&] { return finished_ == workers_.size(); };
    // Woken from time to time, it sees when it isn't; from one look at the clock to the next, since
    // it may be stopped anywhere.
    for (Clock::time_point seen = Clock::now(); !done() && seen < limit;) {
      const Clock::time_point wake = std::min(limit, seen + progress_interval);
      const bool woken = changed_.wait_until(lock, wake, done);
      seen = Clock::now();
      // Though the workers may be through with their work by then.
      if (step_ == Step::load && duration_ > nanoseconds(0)) {
        result_.delays.stood_still = std::max<nanoseconds>(result_.delays.stood_still, seen - wake);
      }
      if (!woken && options_.on_progress) {
        lock.unlock();
        report_progress();
        lock.lock();
      }
    }
  }

  void report_progress(nanoseconds until_start = nanoseconds(0)) const {
    SwarmProgress progress;
    progress.opening = step_ == Step::open;
    progress.until_start = until_start;
    progress.connections = options_.load.own_idle() + options_.load.own_active();
    for (const auto& worker : workers_) progress.connections_open += worker->connections_open();
    progress.requests = requests_completed();
    progress.elapsed = Clock::now() - (progress.opening ? begin_ : start_);
    options_.on_progress(progress);
  }

  // By how much the last slice began later than it was to, when the calling thread was late by
  // `behind`.
  [[nodiscard]] nanoseconds started_late(nanoseconds behind) const {
    if (behind > late) return behind;
    nanoseconds latest{0};
    for (const auto& worker : workers_) latest = std::max(latest, worker->started_late());
    return latest;
  }

  // While the workers are at rest nobody else hears of it.
  void stop_if_asked() {
    if (!stop_.stop_requested()) return;
    halt_.request_stop();
    result_.outcome.end(RunEnd::interrupted);
  }

  [[nodiscard]] std::uint64_t requests_completed() const {
    std::uint64_t sum = 0;
    for (const auto& worker : workers_) sum += worker->requests_completed();
    return sum;
  }

  [[nodiscard]] SwarmReading read() const {
    SwarmReading reading;
    for (const auto& worker : workers_) {
      // The thread has not been joined, so its clock can be had until it ends, and then is asked
      // for no more.
      reading.cpu.push_back(cpu_time_of(worker->thread).value_or(nanoseconds(0)));
    }
    reading.completed = requests_completed();
    reading.read_clocks();
    reading.run_queue = run_queue_delay();
    reading.shares = read_steal(usable_cpus());
    if (quota_) reading.throttled = throttled_time(*quota_).value_or(nanoseconds(0));
    return reading;
  }

  // How long the threads have waited for a CPU; zero where the kernel doesn't tell.
  [[nodiscard]] nanoseconds run_queue_delay() const {
    nanoseconds sum{0};
    for (const auto& worker : workers_) {
      const std::optional<nanoseconds> delay = thread_run_queue_delay(worker->tid);
      if (!delay) return nanoseconds(0);
      sum += *delay;
    }
    return sum;
  }

  void add_up() {
    std::array<double, SwarmResult::most_parts> sums{};
    std::array<std::uint64_t, SwarmResult::most_parts> counts{};
    for (const auto& worker : workers_) {
      const SwarmResult& part = worker->result();
      // What ended a worker on its own account, before what that did to the others.
      const RunEnd so_far = result_.outcome.reason;
      if ((so_far == RunEnd::completed || so_far == RunEnd::interrupted) &&
          part.outcome.reason != RunEnd::completed) {
        result_.outcome = part.outcome;
      }
      result_.idle_confirmed += part.idle_confirmed;
      result_.idle_held += part.idle_held;
      result_.active_confirmed += part.active_confirmed;
      result_.connections_lost += part.connections_lost;
      result_.open_time = std::max(result_.open_time, part.open_time);
      result_.window_time = std::max(result_.window_time, part.window_time);
      result_.window_requests += part.window_requests;
      result_.requests_unanswered += part.requests_unanswered;
      result_.requests_timed_out += part.requests_timed_out;
      result_.partly_answered += part.partly_answered;
      result_.latency.add(part.latency);
      result_.latency_uncorrected.add(part.latency_uncorrected);
      result_.schedule_lag.add(part.schedule_lag);
      result_.delays.gaps += part.delays.gaps;
      result_.delays.longest_gap = std::max(result_.delays.longest_gap, part.delays.longest_gap);
      for (std::size_t i = 0; i < counts.size(); ++i) {
        sums[i] += worker->log_sums()[i];
        counts[i] += worker->log_counts()[i];
      }
    }
    const std::size_t parts = workers_.front()->parts();
    for (std::size_t i = 0; i < parts; ++i) {
      const auto count = static_cast<double>(counts[i]);
      result_.latency_by_part.push_back(counts[i] > 0 ? std::exp(sums[i] / count) : 0);
    }
  }

  const SwarmOptions& options_;
  std::stop_token stop_;
  std::stop_source halt_;
  SwarmText text_;
  std::optional<CpuQuota> quota_ = cpu_quota();
  FileDescriptor probe_;  // its connection
  Clock::time_point begin_;
  // Of the slice; written before its step is entered.
  Clock::time_point start_;
  nanoseconds warmup_{0};
  nanoseconds duration_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  Step step_ = Step::open;
  std::size_t entered_ = 0;   // steps after the first
  std::size_t finished_ = 0;  // workers that are through with the step
  SwarmReading begin_sum_;
  SwarmReading end_sum_;
  SwarmResult result_;
  // Last, so that their threads are joined before anything that they use is gone.
  std::vector<std::unique_ptr<Worker>> workers_;
};

Swarm::Swarm(const SwarmOptions& options, std::stop_token stop)
    : crew_(std::make_unique<Crew>(options, std::move(stop))) {}

Swarm::~Swarm() = default;

void Swarm::open() {
  crew_->open();
}

void Swarm::check() const {
  crew_->check();
}

bool Swarm::going_on() const noexcept {
  return crew_->going_on();
}

Clock::time_point Swarm::await(std::chrono::system_clock::time_point moment) {
  return crew_->await(moment);
}

SwarmSlice Swarm::load(nanoseconds warmup, nanoseconds duration, bool counted,
                       std::optional<Clock::time_point> start) {
  return crew_->load(warmup, duration, counted, start);
}

SwarmResult Swarm::close() {
  return crew_->close();
}

SwarmResult run_swarm(const SwarmOptions& options, std::stop_token stop) {
  Swarm swarm(options, std::move(stop));
  swarm.open();
  std::optional<Clock::time_point> start;
  if (options.start_at && swarm.going_on()) start = swarm.await(*options.start_at);
  if (swarm.going_on()) swarm.load(options.load.warmup, options.load.duration, true, start);
  return swarm.close();
}

}  // namespace echomux
