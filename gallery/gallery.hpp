#pragma once

#include <span>
#include <string_view>

#include "echo/backend.hpp"

namespace echomux {

// A server with one famous bug, and the same server without it. Each is in its own folder under
// gallery/: the broken one as a source file, and what mends it as mend.patch beside it, from which
// the build makes the mended twin. Both are measured and tested like any server, and idle
// time-outs are the one option that they don't have.
struct Exhibit {
  std::string_view name;       // its folder
  std::string_view symptom;    // what is seen of it from outside, in a sentence
  std::string_view bug;        // in a sentence
  std::string_view caught_by;  // the check of the conformance suite that finds it
  Backend broken;              // named broken_NAME
  Backend mended;              // named mended_NAME
};

// All of them, in the order of gallery/README.md. Lives as long as the program.
[[nodiscard]] std::span<const Exhibit> gallery() noexcept;

// The exhibit of which a server of this name is the broken or the mended twin; nullptr when there
// is none.
[[nodiscard]] const Exhibit* find_exhibit(std::string_view server) noexcept;

}  // namespace echomux
