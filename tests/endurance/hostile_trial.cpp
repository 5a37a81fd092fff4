#include "tests/endurance/hostile_trial.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "harness/bench/measurement.hpp"
#include "harness/load/load_report.hpp"
#include "harness/server/process_state.hpp"
#include "harness/text/time_units.hpp"

namespace echomux {
namespace {

using namespace std::chrono_literals;
using Clock = Crowd::Clock;

// How long a well-behaved peer waits for anything. A connect that finds the backlog full is tried
// again by the kernel after one second, and after two more.
constexpr auto patience = 5s;
// For a server that can't answer by its nature, there is nothing to be learnt from waiting longer.
constexpr auto short_patience = 300ms;
// For all hostile peers to be there; a server that serves one only leaves most in the backlog.
constexpr auto time_to_gather = 5s;
constexpr auto short_time_to_gather = 500ms;

// Notes the highest value that a server's own memory had while this lives.
class MemoryWatch {
 public:
  explicit MemoryWatch(pid_t server)
      : thread_([this, server](const std::stop_token& stop) {
          while (!stop.stop_requested()) {
            look(server);
            std::this_thread::sleep_for(5ms);
          }
          look(server);
        }) {}

  // Ends it.
  std::uint64_t peak() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
    return peak_;
  }

 private:
  void look(pid_t server) { peak_ = std::max(peak_, read_anonymous_memory(server).value_or(0)); }

  std::uint64_t peak_ = 0;
  std::jthread thread_;
};

// A well-behaved peer in as many windows as it takes: its latency, and the CPU time of the server.
class GoodLoad {
 public:
  GoodLoad(ServerProcess& server, double rate, std::chrono::nanoseconds limit) : server_(server) {
    load_.active_connections = 1;
    load_.requests_per_second = rate;
    load_.warmup = 10ms;
    load_.timeout = limit;
  }

  void run(std::chrono::nanoseconds duration, const std::stop_token& stop) {
    StandingLoad standing(server_, load_, StandingLoad::Idle::here, stop);
    standing.open();
    if (standing.going_on()) {
      const StandingLoad::Slice slice = standing.load(load_.warmup, duration);
      time_ += slice.time;
      cpu_time_ += slice.cpu_time;
    }
    const SwarmResult result = standing.close().result;
    if (seen_.served()) seen_.outcome = result.outcome;
    seen_.unanswered += result.requests_unanswered;
    seen_.connect_ms = std::max(seen_.connect_ms, to_us(result.open_time) / 1000);
    latency_.add(result.latency);
  }

  [[nodiscard]] GoodPeer seen() const {
    GoodPeer peer = seen_;
    static_cast<PeerLatency&>(peer) = latency_of(latency_);
    return peer;
  }

  // Of one CPU, by the server; none when no connection was served.
  [[nodiscard]] std::optional<double> busy_share() const {
    if (time_ <= 0ns) return std::nullopt;
    return to_seconds(cpu_time_) / to_seconds(time_);
  }

 private:
  ServerProcess& server_;
  Load load_;
  GoodPeer seen_;
  LatencyHistogram latency_;
  std::chrono::nanoseconds time_{0};
  std::chrono::nanoseconds cpu_time_{0};
};

bool takes_all(const EnduranceTarget& target, const HostileKind& kind) {
  return !target.max_connections || kind.peers < *target.max_connections;
}

// The measured time itself: the hostile ones are there.
void measure_beside(HostileTrial& trial, ServerProcess& server, const HostileKind& kind,
                    const HostileOptions& options, std::chrono::nanoseconds limit,
                    const Hostility& hostility, const std::stop_token& stop) {
  GoodLoad good(server, options.requests_per_second, limit);
  trial.connected = hostility.connected();
  const auto begin = Clock::now();
  do {
    good.run(options.beside, stop);
  } while (kind.lasts_until_done && !hostility.done() && !stop.stop_requested());
  trial.seconds = to_seconds(Clock::now() - begin);
  trial.busy_share = good.busy_share();
  trial.beside = good.seen();
}

void judge(HostileTrial& trial, const EnduranceTarget& target, const HostileKind& kind,
           const ServerProcess& server) {
  const auto fail = [&](const std::string& why) {
    if (trial.failure.empty()) trial.failure = why;
  };
  const auto say = [](const GoodPeer& peer) {
    return fmt::format("{}, {} requests unanswered {}", to_string(peer.outcome.reason),
                       peer.unanswered, peer.outcome.sentence);
  };
  if (!server.running()) fail("the server has died");
  if (!trial.before.served()) fail("the peer before them: " + say(trial.before));
  if (!trial.beside.served()) {
    const bool wrong = trial.beside.outcome.reason == RunEnd::corrupted;
    if (takes_all(target, kind) || wrong) {
      fail("the peer beside them: " + say(trial.beside));
    } else {
      trial.limit = target.one_at_a_time() ? "starved" : "turned away";
    }
  }
  if (trial.beside.served() && trial.beside.unanswered > 0) trial.limit = "answers late";
  if (!trial.after.served()) fail("the peer after them: " + say(trial.after));
  if (trial.hostile.wrong > 0) {
    fail(fmt::format("{} hostile peers got wrong bytes", trial.hostile.wrong));
  }
  // Whom a server of limited places turns away is lost, and who waits too long for its turn stuck.
  if (takes_all(target, kind) && kind.leaves_in_order && trial.hostile.failed() > 0) {
    fail(
        fmt::format("{} hostile peers didn't get all of their bytes back", trial.hostile.failed()));
  }
  if (trial.memory_growth > trial.memory_bound) {
    fail(fmt::format("its memory grew by {} bytes, {} more than the bound", trial.memory_growth,
                     trial.memory_growth - trial.memory_bound));
  }
}

}  // namespace

HostileTrial try_hostile(const EnduranceTarget& target, const HostileKind& kind,
                         const HostileOptions& options, const std::stop_token& stop) {
  HostileTrial trial;
  trial.server = target.name;
  trial.kind = kind.name;
  trial.memory_bound = memory_bound(kind, target.thread_per_connection);
  ServerProcess server(target.command);
  const std::uint64_t memory_before = read_anonymous_memory(server.pid()).value_or(0);
  MemoryWatch memory(server.pid());
  const auto quiet = [&] {
    GoodLoad good(server, options.requests_per_second, patience);
    good.run(options.quiet, stop);
    return good.seen();
  };
  trial.before = quiet();
  {
    const bool one_at_a_time = target.one_at_a_time();
    Hostility hostility(kind, server.endpoint(), options.hostile_give_way);
    hostility.await_all(one_at_a_time ? short_time_to_gather : time_to_gather);
    measure_beside(trial, server, kind, options, one_at_a_time ? short_patience : patience,
                   hostility, stop);
    trial.hostile = hostility.stop();
  }
  trial.after = quiet();
  const std::uint64_t peak = memory.peak();
  trial.memory_growth = peak > memory_before ? peak - memory_before : 0;
  if (!stop.stop_requested()) judge(trial, target, kind, server);
  return trial;
}

}  // namespace echomux
