#pragma once

#include "cli/command.hpp"

namespace echomux {

// The hidden subcommand that prints the manual page of `program`, which it is not a part of yet,
// and what shells need to complete its command line.
[[nodiscard]] Command print_command(const Command& program);

}  // namespace echomux
