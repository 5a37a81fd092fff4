#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "claims/claim.hpp"

namespace echomux::claims {

// Medians, by name.
using Values = std::map<std::string, double>;

// Evidence of nine rounds for each value: they agree within two per cent, but for the unsteady
// ones, which don't agree at all, around the same median.
[[nodiscard]] Evidence evidence_of(const Values& values,
                                   const std::set<std::string>& unsteady = {});

// A sentence about cost, with evidence for which it holds, or comes as near to that as it can on
// Linux.
struct CostCase {
  Claim claim;
  Values values;

  // The verdict when some of the values are others.
  [[nodiscard]] Verdict with(const Values& changed,
                             const std::set<std::string>& unsteady = {}) const;
};

[[nodiscard]] CostCase idle_scaling_case();
[[nodiscard]] CostCase few_idle_case();
[[nodiscard]] CostCase all_active_case();
[[nodiscard]] CostCase order_case();
[[nodiscard]] CostCase set_copied_case();
[[nodiscard]] CostCase select_scans_case();
[[nodiscard]] CostCase select_is_poll_case();
[[nodiscard]] CostCase memory_case();
[[nodiscard]] CostCase mmap_case();
[[nodiscard]] CostCase tree_case();
[[nodiscard]] CostCase fast_poll_case();
[[nodiscard]] CostCase et_case();
[[nodiscard]] CostCase threads_case();
[[nodiscard]] CostCase busy_poll_case();
[[nodiscard]] CostCase reconnect_case();
[[nodiscard]] CostCase flip_case();
[[nodiscard]] CostCase retry_case();

[[nodiscard]] std::vector<CostCase> all_cost_cases();

}  // namespace echomux::claims
