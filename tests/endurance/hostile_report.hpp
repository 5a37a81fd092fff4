#pragma once

#include <string>
#include <vector>

#include "harness/text/table.hpp"
#include "tests/endurance/hostile_trial.hpp"

namespace echomux {

class Json;

// A table per server, a row per kind: medians over the rounds, with 95 % intervals where there are
// six rounds or more. Then what failed.
[[nodiscard]] std::string hostile_tables(const std::vector<HostileTrial>& trials,
                                         TableFormat format);

[[nodiscard]] Json to_json(const HostileTrial& trial);

}  // namespace echomux
