#include "tests/endurance/churn.hpp"

#include <algorithm>
#include <thread>

namespace echomux {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 10s;
constexpr std::size_t steady_peers = 4;
// Of a server that serves one at a time, this many wait for their turn at most.
constexpr std::size_t longest_queue = 8;
constexpr std::chrono::nanoseconds brief_stay = 200ms;
// The longest of a slow reader's streams takes 32 reads or somewhat more.
constexpr int slow_reads = 40;
// How soon a request to stop is noticed.
constexpr auto attention = 50ms;

PeerScript steady() {
  return {.kind = "steady",
          .bytes = without_end,
          .message_bytes = 512,
          .interval = 200ms,
          .outstanding = 512};
}

}  // namespace

PeerTally ChurnResult::sum() const {
  PeerTally sum;
  for (const auto& [kind, tally] : peers) sum.add(tally);
  return sum;
}

Churn::Churn(const Endpoint& server, const Options& options)
    : crowd_(server, patience), options_(options), random_(options.seed) {
  for (std::size_t i = 0; i < steady_peers && !options.one_at_a_time; ++i) crowd_.add(steady());
}

void Churn::run_until(Clock::time_point end, const std::stop_token& stop) {
  next_arrival_ = Clock::now();
  for (auto now = Clock::now(); now < end && !stop.stop_requested(); now = Clock::now()) {
    while (next_arrival_ <= now) arrive();
    const auto next = std::min({end, next_arrival_, now + attention});
    crowd_.run_until(next);
    // With nobody there, it has come back at once.
    if (crowd_.size() == 0) std::this_thread::sleep_until(next);
  }
}

void Churn::arrive() {
  std::exponential_distribution<double> gap(options_.arrivals_per_second);
  next_arrival_ +=
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(gap(random_)));
  if (options_.one_at_a_time && crowd_.size() >= longest_queue) return;
  crowd_.add(next_script());
}

void Churn::finish() {
  crowd_.retire();
  // Those that the server leaves in the lurch give up after their patience, which is counted.
  crowd_.run_until(Clock::now() + 2 * patience);
  crowd_.abandon();
}

ChurnResult Churn::result() const {
  return {.peers = crowd_.tallies(), .first_failure = crowd_.first_failure()};
}

std::uint64_t Churn::between(std::uint64_t low, std::uint64_t high) {
  return std::uniform_int_distribution(low, high)(random_);
}

PeerScript Churn::next_script() {
  const std::chrono::nanoseconds stay = options_.one_at_a_time ? brief_stay : options_.longest_stay;
  PeerScript script;
  const std::uint64_t kind = between(0, 99);
  if (kind < 20) {
    script = {.kind = "idle", .bytes = 1};
    script.lingers = stay / between(1, 8);
    if (kind < 5) script.ending = Ending::reset;
  } else if (kind < 50) {
    script = {.kind = "short", .message_bytes = between(16, 4'096)};
    script.bytes = script.message_bytes * between(1, 8);
    script.outstanding = script.message_bytes;
  } else if (kind < 65) {
    script = {.kind = "half-close", .bytes = between(1, 200'000), .reads_late = true};
    script.ending = Ending::half_close;
  } else if (kind < 80) {
    script = {.kind = "reset", .bytes = between(1, 65'536)};
    script.ending = Ending::reset_in_the_way;
  } else if (kind < 90) {
    // Its socket holds little, so that the server has to keep what it doesn't read.
    script = {.kind = "slow reader", .bytes = between(65'536, 524'288), .read_bytes = 16'384};
    script.read_interval = stay / slow_reads;
    script.buffer_bytes = 16'384;
  } else {
    script = {.kind = "burst", .bytes = between(65'536, 1'048'576)};
  }
  return script;
}

}  // namespace echomux
