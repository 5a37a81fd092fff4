#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "echo/backend.hpp"

namespace echomux {

// What `serve` calls the broken server whose name the user is to find out.
inline constexpr std::string_view mystery_name = "mystery";

// Seeds that are easily typed again.
inline constexpr std::uint64_t most_mystery_seeds = 9999;

// Chooses one of the gallery's broken servers: by `seed`, or at random, and then not the one of
// last time. Says its symptom on stderr, and remembers the seed for `guess`; nothing that it says
// or writes has the name. Returns the server's Backend::serve. Throws std::runtime_error where it
// can't be remembered.
[[nodiscard]] decltype(Backend::serve) begin_mystery(std::optional<std::uint64_t> seed);

}  // namespace echomux
