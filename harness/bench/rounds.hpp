#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <stop_token>
#include <vector>

namespace echomux {

// The numbers 0 to `count` - 1 in a random order, the same with every C++ library.
[[nodiscard]] std::vector<std::size_t> random_order(std::size_t count, std::mt19937_64& random);

// Calls `measure` for each of the contenders 0 to `contenders` - 1 once in each of the rounds, in a
// random order of the round's own: so whatever the machine does in the course of time falls on all
// of them alike. Everything in the suite that is compared is measured so. Returns early when a stop
// is requested.
void run_rounds(std::size_t contenders, std::size_t rounds,
                const std::function<void(std::size_t contender, std::size_t round)>& measure,
                const std::stop_token& stop = {}, std::uint64_t seed = 1);

}  // namespace echomux
