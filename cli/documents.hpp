#pragma once

#include <string>

#include "cli/command.hpp"

namespace echomux {

// The manual page in section 1, as troff with the macros of man(7).
[[nodiscard]] std::string man_page(const Command& program);

// What a shell needs to complete the program's command line, to be sourced by bash, and to be put
// into zsh's function path as _NAME.
[[nodiscard]] std::string bash_completion(const Command& program);
[[nodiscard]] std::string zsh_completion(const Command& program);

// The hidden subcommand that prints these of `program`, which it is not a part of yet.
[[nodiscard]] Command print_command(const Command& program);

}  // namespace echomux
