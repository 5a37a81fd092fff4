#include "tests/endurance/hostility.hpp"

#include <algorithm>
#include <stdexcept>

#include "harness/machine/cpu.hpp"
#include "harness/server/process_state.hpp"

namespace echomux {
namespace {

using namespace std::chrono_literals;
using Clock = Crowd::Clock;

constexpr std::uint64_t kibibyte = 1024;
constexpr std::uint64_t backlog = 4096;  // net.core.somaxconn, unless somebody has raised it
constexpr auto patience = 10s;
// Between two looks at whether to stop and whom to replace.
constexpr auto turn = 2ms;

PeerScript named(PeerScript script) {
  script.kind = "hostile";
  return script;
}

}  // namespace

std::vector<HostileKind> hostile_kinds(std::size_t scale) {
  return {
      {.name = "connect flood",
       .what = "connect and reset, one after the other as fast as they can, 256 at a time",
       .script = named({.kind = {}, .ending = Ending::reset}),
       .peers = 256 / std::min<std::size_t>(scale, 16),
       .replaced = true,
       .most_started = 20'000 / scale},
      {.name = "silent",
       .what = "10,000 connections that never send",
       .script = named({.kind = {}, .lingers = for_good}),
       .peers = 10'000 / scale},
      {.name = "trickle",
       .what = "1,000 connections that send a byte a second each",
       .script = named({.kind = {}, .bytes = without_end, .message_bytes = 1, .interval = 1s}),
       .peers = 1'000 / scale,
       .leaves_in_order = true,
       .holds_data = true},
      {.name = "never read",
       .what = "64 connections that send all they can and never read",
       .script =
           named({.kind = {}, .bytes = without_end, .reads = false, .buffer_bytes = 64 * 1024}),
       .peers = std::max<std::size_t>(64 / scale, 8),
       .holds_data = true},
      {.name = "reset storm",
       .what =
           "send up to 64 KiB and reset with the echo on its way, again and again, 32 at a time",
       .script = named({.kind = {}, .bytes = 65'536, .ending = Ending::reset_in_the_way}),
       .peers = 32,
       .replaced = true,
       .most_started = 20'000 / scale,
       .holds_data = true},
      {.name = "urgent data",
       .what = "32 connections that mark every 16th byte as urgent, as fast as it is echoed",
       .script = named({.kind = {},
                        .bytes = without_end,
                        .message_bytes = 16,
                        .outstanding = 16,
                        .urgent = true}),
       .peers = 32,
       .leaves_in_order = true,
       .holds_data = true},
      {.name = "an hour's bytes",
       .what = "one connection sends 3.6 GB, an hour's worth at 1 MB/s, as fast as they are echoed",
       .script = named({.kind = {}, .bytes = 3'600'000'000 / scale}),
       .lasts_until_done = true,
       .leaves_in_order = true,
       .holds_data = true},
  };
}

std::uint64_t memory_bound(const HostileKind& kind, bool thread_per_connection) {
  const std::uint64_t silent = (thread_per_connection ? 48 : 1) * kibibyte;
  const std::uint64_t owing = (thread_per_connection ? 160 : 68) * kibibyte;
  return 4096 * kibibyte + kind.peers * (kind.holds_data ? owing : silent) +
         (kind.replaced ? backlog * silent : 0);
}

Hostility::Hostility(const HostileKind& kind, const Endpoint& server, bool gives_way)
    : kind_(kind),
      server_(server),
      gives_way_(gives_way),
      thread_([this](const std::stop_token& stop) {
        try {
          run(stop);
        } catch (const std::exception& error) {
          failure_ = error.what();
        }
        done_ = ready_ = true;
      }) {}

Hostility::~Hostility() {
  thread_.request_stop();
}

void Hostility::run(const std::stop_token& stop) {
  if (gives_way_) give_way();
  Crowd crowd(server_, patience);
  while (!stop.stop_requested() && !done_) {
    fill(crowd);
    crowd.run_until(Clock::now() + turn);
    connected_ = crowd.connected();
    // Those that were turned away don't count.
    const bool all_there = started_ == kind_.peers && crowd.connected() == crowd.size();
    if (kind_.replaced || all_there) ready_ = true;
    if (crowd.size() > 0) continue;
    done_ = kind_.lasts_until_done;
    std::this_thread::sleep_for(turn);  // all turned away, or enough of them have come
  }
  if (kind_.leaves_in_order) {
    crowd.retire();
    crowd.run_until(Clock::now() + patience);
  }
  crowd.abandon();
  tally_ = crowd.tallies().at(kind_.script.kind);
}

void Hostility::fill(Crowd& crowd) {
  // In groups, so that those that are there already have their turn.
  constexpr std::size_t group = 128;
  const std::uint64_t most = kind_.replaced ? kind_.most_started : kind_.peers;
  for (std::size_t i = 0; i < group && crowd.size() < kind_.peers && started_ < most; ++i) {
    PeerScript script = kind_.script;
    // They are as many, but not all at the same moment.
    script.phase = script.interval * static_cast<std::int64_t>(started_) /
                   static_cast<std::int64_t>(kind_.peers);
    crowd.add(script);
    ++started_;
  }
}

void Hostility::await_all(std::chrono::milliseconds limit) const {
  // std::atomic::wait has no limit, and half a dozen of these trials take seconds each anyway.
  const auto end = Clock::now() + limit;
  while (!ready_ && Clock::now() < end) std::this_thread::sleep_for(turn);
}

PeerTally Hostility::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
  if (!failure_.empty()) throw std::runtime_error("the hostile client failed: " + failure_);
  return tally_;
}

}  // namespace echomux
