#pragma once

#include <string>
#include <vector>

#include "harness/bench/summary.hpp"

namespace echomux {

// What a run shows, in two sentences that follow from its cells: what a request costs each server
// beside the most idle connections, and beside the fewest, with every place where select or poll
// costs less than epoll. Servers are told apart as told_apart() does, and compared by their
// ratios to the floor where they have any. Left out are the floor, which is no server to choose,
// and busy_poll, whose CPU is always busy. One sentence where there is only one to say.
[[nodiscard]] std::vector<std::string> answer(const std::vector<CellSummary>& cells);

}  // namespace echomux
