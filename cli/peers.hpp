#pragma once

#include <span>
#include <string_view>

#include "echo/backend.hpp"
#include "harness/server/server_process.hpp"

namespace echomux {

// The same echo on libraries that people use (peers/), each a program of its own, as Backend
// without `serve`. All of them, built here or not; they live as long as the program.
[[nodiscard]] std::span<const Backend> peers() noexcept;

// One of them by its name; nullptr for any other.
[[nodiscard]] const Backend* find_peer(std::string_view name) noexcept;

// Whether it is built, beside this program.
[[nodiscard]] bool is_built(const Backend& peer);

// How to run it.
[[nodiscard]] ServerCommand peer_command(const Backend& peer);

}  // namespace echomux
