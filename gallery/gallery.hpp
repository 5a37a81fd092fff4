#pragma once

#include <array>
#include <span>
#include <string_view>

#include "echo/backend.hpp"

namespace echomux {

// What one sees of an exhibit, and what it is seen with.
struct Hint {
  std::string_view seen_with;  // one of `observations`
  std::string_view text;       // what to do and what comes of it, in a sentence or two
};

// A client of any kind, ss(8), top(1) or the shell, SIGUSR1's counters, and strace(1).
inline constexpr std::array<std::string_view, 5> observations{"client", "ss", "top", "counters",
                                                              "strace"};

// A server with one famous bug, and the same server without it. Each has a folder under gallery/:
// broken.hpp is the broken one, and mended.hpp what is different in its mended twin. Where there is
// none, the twin is the server of gallery/support/ that the broken one derives from. Both are
// measured and tested like any server, and idle time-outs are the one option that they don't have.
struct Exhibit {
  std::string_view name;       // its folder
  std::string_view symptom;    // what is seen of it from outside, in a sentence
  std::string_view bug;        // in a sentence
  std::string_view caught_by;  // the check of the conformance suite that finds it
  std::array<Hint, 3> hints;   // from the outside inwards
  Backend broken;              // named broken_NAME
  Backend mended;              // named mended_NAME
};

// All of them, in the order of gallery/README.md. Lives as long as the program.
[[nodiscard]] std::span<const Exhibit> gallery() noexcept;

// The exhibit of which a server of this name is the broken or the mended twin; nullptr when there
// is none.
[[nodiscard]] const Exhibit* find_exhibit(std::string_view server) noexcept;

}  // namespace echomux
