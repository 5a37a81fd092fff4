#pragma once

#include <cstddef>
#include <string>

#include "harness/bench/results.hpp"

namespace echomux {

// Bars for a terminal of so many columns: what a request costs each server beside the most idle
// connections. Empty where fewer than two servers have figures there.
[[nodiscard]] std::string cost_chart(const Results& results, std::size_t columns);

}  // namespace echomux
