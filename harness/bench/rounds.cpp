#include "harness/bench/rounds.hpp"

#include <numeric>
#include <utility>

namespace echomux {

std::vector<std::size_t> random_order(std::size_t count, std::mt19937_64& random) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  // Fisher and Yates, by hand: std::shuffle may give another order with another library.
  for (std::size_t i = count; i > 1; --i) std::swap(order[i - 1], order[random() % i]);
  return order;
}

void run_rounds(std::size_t contenders, std::size_t rounds,
                const std::function<void(std::size_t contender, std::size_t round)>& measure,
                const std::stop_token& stop, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  for (std::size_t round = 0; round < rounds; ++round) {
    for (const std::size_t contender : random_order(contenders, random)) {
      if (stop.stop_requested()) return;
      measure(contender, round);
    }
  }
}

}  // namespace echomux
