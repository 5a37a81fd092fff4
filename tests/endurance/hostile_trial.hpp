#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "harness/load/swarm.hpp"
#include "harness/text/table.hpp"
#include "tests/endurance/endurance.hpp"
#include "tests/endurance/hostility.hpp"

namespace echomux {

struct HostileOptions {
  double requests_per_second = 200;                                  // of the well-behaved peer
  std::chrono::nanoseconds quiet = std::chrono::milliseconds(150);   // before, and after
  std::chrono::nanoseconds beside = std::chrono::milliseconds(500);  // the hostile ones
  bool hostile_give_way = true;  // the hostile client leaves the CPU to the measured one
};

// What a well-behaved peer has seen. It connects when the hostile ones are there already.
struct GoodPeer : PeerLatency {
  RunOutcome outcome;
  double connect_ms = 0;         // until its first byte was back
  std::uint64_t unanswered = 0;  // a second after the end: late, and in the latencies as such

  // It was served to the end, and all that came back was right.
  [[nodiscard]] bool served() const noexcept { return outcome.reason == RunEnd::completed; }
};

// One server under one kind of hostility, once.
struct HostileTrial {
  std::string server;
  std::string kind;
  std::size_t round = 1;
  GoodPeer before;
  GoodPeer beside;
  GoodPeer after;
  double seconds = 0;                // beside the hostile ones
  std::optional<double> busy_share;  // of one CPU, by the server, in the windows of that time; none
                                     // when the peer beside them was not let in
  std::size_t connected = 0;         // hostile ones, when that time began
  PeerTally hostile;                 // what became of them
  std::uint64_t memory_growth = 0;   // the server's own, at its peak, from before any peer
  std::uint64_t memory_bound = 0;
  std::string failure;  // a sentence; empty when all is as it should be
  std::string limit;    // what kept the peer beside them from all of its answers, no fault of
                        // the server's: its nature, or that it was late
};

// Runs it with a fresh server. Throws std::exception when it can't be started.
[[nodiscard]] HostileTrial try_hostile(const EnduranceTarget& target, const HostileKind& kind,
                                       const HostileOptions& options,
                                       const std::stop_token& stop = {});

// A table per server, a row per kind: medians over the rounds, with 95 % intervals where there are
// six rounds or more. Then what failed.
[[nodiscard]] std::string hostile_tables(const std::vector<HostileTrial>& trials,
                                         TableFormat format);

[[nodiscard]] Json to_json(const HostileTrial& trial);

}  // namespace echomux
