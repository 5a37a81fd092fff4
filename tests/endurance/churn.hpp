#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <random>
#include <stop_token>
#include <string>

#include "harness/load/crowd.hpp"

namespace echomux {

// What has become of a churn.
struct ChurnResult {
  std::map<std::string, PeerTally> peers;  // by kind
  std::string first_failure;               // empty if there was none

  [[nodiscard]] PeerTally sum() const;
};

// Peers that come and go at random, the same in every run with the same seed: idle ones that stay
// for a while, short visits, half-closes with data still pending, resets in the middle of an echo,
// slow readers and bursts; and a few that stay all the time and exchange messages at a modest rate.
// All of them check every byte. Not for sharing between threads.
class Churn {
 public:
  using Clock = Crowd::Clock;

  struct Options {
    double arrivals_per_second = 20;
    // The longest time that an idle peer stays, or about that a slow reader takes.
    std::chrono::nanoseconds longest_stay = std::chrono::seconds(8);
    bool one_at_a_time = false;  // so the server serves them: then none stays, and each is brief
    std::uint64_t seed = 1;
  };

  Churn(const Endpoint& server, const Options& options);

  // Peers come until then or until asked to stop; what they have begun goes on in the next call.
  void run_until(Clock::time_point end, const std::stop_token& stop);

  // Nobody comes any more, and everybody leaves in order, within the crowd's patience.
  void finish();

  [[nodiscard]] ChurnResult result() const;

 private:
  void arrive();
  [[nodiscard]] PeerScript next_script();
  [[nodiscard]] std::uint64_t between(std::uint64_t low, std::uint64_t high);

  Crowd crowd_;
  Options options_;
  std::mt19937_64 random_;
  Clock::time_point next_arrival_;
};

}  // namespace echomux
