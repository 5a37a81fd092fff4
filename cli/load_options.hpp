#pragma once

#include <string_view>
#include <vector>

#include "cli/command.hpp"
#include "harness/load/load.hpp"

namespace echomux {

// The options that a load is described by, bound to `load`: what it holds are their defaults.
[[nodiscard]] std::vector<Option> load_options(Load& load);

// Those that all trials of bench have, whose help tells the default where the preset has none.
[[nodiscard]] std::vector<Option> trial_options(Load& load);

// Throws UsageError for what can't be meant, on a server of this family of addresses (AF_INET). It
// names the option by which the active connections are asked for.
void check_combination(const Load& load, int family, std::string_view active_option);

}  // namespace echomux
