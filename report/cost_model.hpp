#pragma once

#include <optional>
#include <span>
#include <vector>

#include "harness/stats/statistics.hpp"

namespace echomux {

// One observation: what a wait and the work that followed it cost, with so many descriptors watched
// and so many of them ready.
struct WaitCost {
  double watched = 0;
  double ready = 0;
  double cost_us = 0;
};

// cost = fixed + per_watched * watched + per_ready * ready, by least squares weighted with
// 1 / cost^2, so that cheap waits count as much as dear ones.
struct CostModel {
  double fixed_us = 0;
  double per_watched_us = 0;
  double per_ready_us = 0;
  double r_squared = 0;  // of the weighted fit

  [[nodiscard]] double cost_us(double watched, double ready) const noexcept {
    return fixed_us + per_watched_us * watched + per_ready_us * ready;
  }
};

// None when the observations don't determine it: fewer than three, or all of one kind.
[[nodiscard]] std::optional<CostModel> fit_cost(std::span<const WaitCost> observations);

}  // namespace echomux
