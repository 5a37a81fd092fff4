#pragma once

#include <vector>

#include "cli/command.hpp"
#include "harness/load/load.hpp"

namespace echomux {

// The options that a load is described by, bound to `load`: what it holds are their defaults.
[[nodiscard]] std::vector<Option> load_options(Load& load);

// Those that all trials of bench have, whose help tells the default where the preset has none.
[[nodiscard]] std::vector<Option> trial_options(Load& load);

}  // namespace echomux
