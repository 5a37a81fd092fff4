#pragma once

#include <string>
#include <vector>

#include "tests/endurance/hostile_trial.hpp"

namespace echomux {

class Json;

// A table per server, a row per kind: medians over the rounds, with 95 % intervals where there are
// six rounds or more. Then what failed. Markdown that reads well on a terminal.
[[nodiscard]] std::string hostile_tables(const std::vector<HostileTrial>& trials);

[[nodiscard]] Json to_json(const HostileTrial& trial);

}  // namespace echomux
