#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace echomux {

// What a report must know of a server or a line beside its look, to compare it with others.
enum class LineKind : std::uint8_t {
  other,     // every name that isn't the suite's, too
  floor,     // no server to choose: what the system calls alone cost
  busy,      // its CPU is always busy
  threads,   // a thread for each peer
  scanning,  // each wait looks at every descriptor
  epoll,     // each wait is told which are ready
};

// Both as palette.json has it, which is read once: the drawing scripts have the same file, and give
// all other names a look of their own. "reuseport:4", a server with so many workers, is of that
// server's kind and colour.
[[nodiscard]] LineKind line_kind(std::string_view name);
// "#rrggbb", for a white background; grey for a name that isn't the suite's.
[[nodiscard]] std::string line_colour(std::string_view name);

}  // namespace echomux
