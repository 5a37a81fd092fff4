#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "harness/load/load_report.hpp"
#include "harness/load/swarm.hpp"
#include "harness/machine/cpu.hpp"
#include "harness/machine/keep_awake.hpp"
#include "harness/text/time_units.hpp"
#include "tests/endurance/soak.hpp"

namespace echomux {
namespace {

using Clock = Crowd::Clock;
using namespace std::chrono_literals;

// For a server's first answer.
constexpr auto patience = 10s;

// Waits for a moment. False when asked to stop before.
bool wait_until(Clock::time_point time, const std::stop_token& stop) {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any never_notified;
  never_notified.wait_until(lock, stop, time, [] { return false; });
  return !stop.stop_requested();
}

// Peers stay for a tenth of the time at most, so that with the warm-up over, as many leave as come.
Churn::Options churn_options(const SoakOptions& options, bool one_at_a_time, std::uint64_t seed) {
  Churn::Options churn;
  churn.arrivals_per_second = options.arrivals_per_second;
  churn.longest_stay = std::min(churn.longest_stay, options.duration / 10);
  churn.one_at_a_time = one_at_a_time;
  churn.seed = seed;
  return churn;
}

// The load on one server, from threads of its own.
class PeerLoad {
 public:
  PeerLoad(const SoakOptions& options, const EnduranceTarget& server, const Endpoint& endpoint,
           Clock::time_point begin, std::uint64_t seed, const std::stop_token& stop)
      : options_(options),
        server_(server),
        endpoint_(endpoint),
        begin_(begin),
        churn_(endpoint, churn_options(options, server.one_at_a_time() || !server.churn, seed)),
        forward_stop_(stop, [this] { stop_.request_stop(); }) {
    if (server.churn && !server.one_at_a_time()) {
      churn_thread_ = std::jthread([this] { guarded([this] { churn(); }); });
    }
    thread_ = std::jthread([this] {
      guarded([this] { windows(); });
      done_ = true;
    });
  }
  PeerLoad(const PeerLoad&) = delete;
  PeerLoad& operator=(const PeerLoad&) = delete;
  ~PeerLoad() { stop(); }

  [[nodiscard]] bool done() const noexcept { return done_; }
  [[nodiscard]] std::uint64_t connections() const noexcept { return connections_; }

  void stop() { stop_.request_stop(); }

  // Waits for its end, and puts down what it has seen. Call once.
  void report(SoakRecord& record) {
    thread_.join();
    if (churn_thread_.joinable()) churn_thread_.join();
    record.windows = std::move(windows_);
    record.churn = churn_.result();
    record.requests = requests_;
    record.failures = std::move(failures_);
    const PeerTally sum = record.churn.sum();
    if (sum.failed() > 0) {
      record.failures.push_back(
          fmt::format("churn: {} peers lost, {} with wrong bytes, {} stuck; the first: {}",
                      sum.lost, sum.wrong, sum.stuck, record.churn.first_failure));
    }
  }

 private:
  // Nothing may leave a thread as an exception.
  template <typename Body>
  void guarded(const Body& body) {
    try {
      body();
    } catch (const std::exception& error) {
      fail(fmt::format("the client failed: {}", error.what()));
    }
  }

  void fail(std::string sentence) {
    const std::lock_guard lock(mutex_);
    failures_.push_back(std::move(sentence));
    stop_.request_stop();
  }

  void churn() {
    if (options_.client_cpu) give_way();
    const std::stop_token stop = stop_.get_token();
    const Clock::time_point end = begin_ + options_.duration;
    while (Clock::now() < end && !stop.stop_requested()) churn_until(Clock::now() + 1s);
    churn_.finish();
  }

  void churn_until(Clock::time_point end) {
    churn_.run_until(std::min(end, begin_ + options_.duration), stop_.get_token());
    const ChurnResult result = churn_.result();
    connections_ = result.sum().started;
    if (result.sum().failed() > 0) stop_.request_stop();
  }

  // One window after the other, each begun on time. A server that serves one peer at a time has its
  // churn in what is left of each.
  void windows() {
    const Clock::time_point end = begin_ + options_.duration;
    for (Clock::time_point at = begin_; at + options_.window <= end; at += options_.window) {
      if (Clock::now() > at + options_.window / 10) continue;  // the one before took too long
      if (!wait_until(at, stop_.get_token()) || !measure(at)) break;
      if (!server_.churn || !server_.one_at_a_time()) continue;
      churn_until(at + options_.window * 9 / 10);
      churn_.finish();
    }
    if (!stop_.stop_requested()) wait_until(end, stop_.get_token());
  }

  // False when there is nothing to go on with.
  bool measure(Clock::time_point at) {
    Load load;
    load.active_connections = server_.one_at_a_time() ? 1 : 4;
    load.requests_per_second = options_.requests_per_second;
    load.warmup = options_.window / 20;
    load.duration = options_.window * 7 / 10;
    load.timeout = 10s;
    const SwarmResult result = run_swarm({endpoint_, load}, stop_.get_token());
    requests_ += result.measured_requests;
    if (result.outcome.reason == RunEnd::interrupted) return false;
    // An answer that is merely late is in the latencies with the time that it had taken by then.
    if (result.outcome.reason != RunEnd::completed || result.connections_lost > 0) {
      fail(fmt::format("well-behaved peers: {}; {} requests unanswered, {} connections lost {}",
                       to_string(result.outcome.reason), result.requests_unanswered,
                       result.connections_lost, result.outcome.sentence));
      return false;
    }
    windows_.push_back({latency_of(result.latency), to_seconds(at - begin_)});
    return true;
  }

  const SoakOptions& options_;
  const EnduranceTarget& server_;
  Endpoint endpoint_;
  Clock::time_point begin_;
  Churn churn_;
  std::vector<SoakWindow> windows_;
  std::uint64_t requests_ = 0;
  std::mutex mutex_;  // guards the next
  std::vector<std::string> failures_;
  std::atomic<bool> done_ = false;
  std::atomic<std::uint64_t> connections_ = 0;
  std::stop_source stop_;
  std::stop_callback<std::function<void()>> forward_stop_;
  std::jthread churn_thread_;
  std::jthread thread_;
};

std::optional<SoakSample> take_sample(ServerProcess& server, Clock::time_point begin) {
  const std::optional<ProcessState> process = read_process_state(server.pid());
  if (!process || !server.running()) return std::nullopt;
  SoakSample sample{*process, to_seconds(Clock::now() - begin), {}, {}};
  if (const auto counters = server.counters()) {
    sample.accepted = counters->at("accepted");
    sample.closed = counters->at("closed") + counters->at("turned_away");
  }
  return sample;
}

// One server, its load and what is known of them.
struct Watched {
  SoakRecord record;
  std::unique_ptr<ServerProcess> server;
  std::unique_ptr<PeerLoad> load;
};

// A server with everything set up has answered a peer and closed its connection.
void greet(const Endpoint& endpoint) {
  Crowd crowd(endpoint);
  crowd.add({.kind = "first", .bytes = 1, .ending = Ending::half_close});
  crowd.run_until(Clock::now() + patience);
  if (crowd.tallies().at("first").completed != 1) {
    throw std::runtime_error("the server doesn't echo: " + crowd.first_failure());
  }
}

Watched start(const EnduranceTarget& server) {
  Watched watched;
  watched.record.name = server.name;
  watched.server = std::make_unique<ServerProcess>(server.command);
  // Before any peer: a thread that served one may take a moment to end.
  const auto untouched = read_process_state(watched.server->pid());
  greet(watched.server->endpoint());
  const auto settled = read_process_state(watched.server->pid());
  if (!untouched || !settled) throw std::runtime_error(server.name + " has ended at once");
  watched.record.before = *settled;
  watched.record.before.threads = untouched->threads;
  return watched;
}

bool cleaned_up(const SoakSample& sample, const ProcessState& before) {
  return sample.descriptors == before.descriptors && sample.threads == before.threads &&
         sample.accepted == sample.closed;
}

// With all peers gone: the server must have what it had before them, and stop when it is told to.
void check_end(Watched& watched, Clock::time_point begin, const SoakOptions& options,
               bool speaks_echomux) {
  SoakRecord& record = watched.record;
  const Clock::time_point limit = Clock::now() + options.time_to_clean_up;
  do {
    record.after = take_sample(*watched.server, begin);
    if (!record.after || cleaned_up(*record.after, record.before)) break;
    std::this_thread::sleep_for(20ms);  // nothing announces that it has closed a descriptor
  } while (Clock::now() < limit);
  if (!record.after) {
    record.failures.push_back("the server has died");
    return;
  }
  const auto compare = [&](const char* what, std::uint64_t ProcessState::*of) {
    if (record.before.*of == (*record.after).*of) return;
    record.failures.push_back(fmt::format("{} {} before all peers, {} after them",
                                          record.before.*of, what, (*record.after).*of));
  };
  compare("descriptors", &ProcessState::descriptors);
  compare("threads", &ProcessState::threads);
  if (record.after->accepted != record.after->closed) {
    record.failures.push_back(fmt::format("{} connections accepted, {} closed",
                                          record.after->accepted.value_or(0),
                                          record.after->closed.value_or(0)));
  }
  const ServerExit exit = watched.server->stop();
  if (exit.killed_after_timeout || (speaks_echomux && exit.exit_status != 0)) {
    record.failures.push_back("the server did not stop in order");
  }
}

SoakProgress progress_of(const std::vector<Watched>& all, const SoakOptions& options,
                         Clock::time_point begin) {
  SoakProgress progress;
  progress.elapsed = Clock::now() - begin;
  progress.left = std::max<std::chrono::nanoseconds>(options.duration - progress.elapsed, 0s);
  for (const Watched& watched : all) {
    progress.connections += watched.load->connections();
    // Its load has ended before its time.
    if (watched.load->done() && progress.left > 0s) ++progress.servers_failed;
  }
  return progress;
}

// Takes samples until the time is over, or every server has failed.
void watch(std::vector<Watched>& all, const SoakOptions& options, Clock::time_point begin,
           const std::stop_token& stop) {
  const Clock::time_point end = begin + options.duration;
  for (Clock::time_point next = begin; next < end; next += options.sample_interval) {
    if (!wait_until(next, stop)) return;
    for (Watched& watched : all) {
      if (watched.load->done()) continue;
      if (const auto sample = take_sample(*watched.server, begin)) {
        watched.record.samples.push_back(*sample);
      } else {
        watched.load->stop();
      }
    }
    options.on_progress(progress_of(all, options, begin));
    if (std::ranges::all_of(all, [](const Watched& one) { return one.load->done(); })) return;
    // Behind, as after the machine has been suspended: what was missed is not made up for.
    while (next + options.sample_interval < Clock::now()) next += options.sample_interval;
  }
  wait_until(end, stop);
}

}  // namespace

SoakResult run_soak(const SoakOptions& options, const std::vector<EnduranceTarget>& servers,
                    const std::stop_token& stop) {
  std::vector<Watched> all;
  all.reserve(servers.size());
  for (const EnduranceTarget& server : servers) all.push_back(start(server));
  const std::vector<int> measured = usable_cpus();  // the client's and the servers'
  if (options.client_cpu) run_on_cpus({*options.client_cpu});
  const std::unique_ptr<KeepAwake> awake =
      options.client_cpu ? std::make_unique<KeepAwake>(std::vector{*options.client_cpu}, measured)
                         : nullptr;

  const Clock::time_point begin = Clock::now();
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].load = std::make_unique<PeerLoad>(options, servers[i], all[i].server->endpoint(), begin,
                                             options.seed + i, stop);
  }
  watch(all, options, begin, stop);

  SoakResult result;
  result.settling = 3 * churn_options(options, false, 0).longest_stay;
  for (Watched& watched : all) watched.load->report(watched.record);
  for (std::size_t i = 0; i < all.size(); ++i) {
    check_end(all[i], begin, options, servers[i].command.speaks_echomux);
    result.servers.push_back(std::move(all[i].record));
  }
  result.interrupted = stop.stop_requested();
  result.duration = Clock::now() - begin;
  return result;
}

}  // namespace echomux
