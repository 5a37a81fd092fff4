#pragma once

#include <filesystem>
#include <string_view>

namespace echomux {

// The program that runs. Throws std::runtime_error, with a sentence for the user,
// where /proc is not that of this process.
[[nodiscard]] std::filesystem::path own_program();

// The bare epoll loop that every figure is compared with: beside this program or in the folder
// above it, as they are built, or else where it is installed, told by where this program is.
[[nodiscard]] std::filesystem::path floor_program();

// One of those in peers/, as they are built beside this program or the folder above it. It needn't
// be there.
[[nodiscard]] std::filesystem::path peer_program(std::string_view name);

// The one whose command `serve` runs the suite's servers: this program, or for clients on many
// hosts the echomux beside it.
[[nodiscard]] std::filesystem::path serving_program();

// echomux itself: this program, or the one in the folder above it.
[[nodiscard]] std::filesystem::path echomux_program();

}  // namespace echomux
