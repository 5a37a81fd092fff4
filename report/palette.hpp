#pragma once

#include <cstdint>
#include <string_view>

namespace echomux {

// How a server or a line looks, in every picture and report alike. All texts live as long as the
// program.
struct LineStyle {
  std::string_view colour;       // "#rrggbb", for a white background
  std::string_view colour_dark;  // the same hue for a dark background, #14171a
  std::string_view dash;         // SVG's stroke-dasharray, such as "6 4"; empty: a solid line
  std::string_view symbol;       // circle square triangle diamond cross star wye

  friend bool operator==(const LineStyle&, const LineStyle&) = default;
};

// The one place where it is decided. The suite's own servers are told apart by people who see
// fewer colours too (after Okabe and Ito, Color Universal Design, 2008; those too pale for thin
// lines on white are darker here). Any other name has a style that depends on nothing but the name,
// and none that one of the suite's servers has. Never throws.
[[nodiscard]] LineStyle line_style(std::string_view name) noexcept;

// What a report must know of a server or a line beside its look, to compare it with others.
enum class LineKind : std::uint8_t {
  other,     // every name that isn't the suite's, too
  floor,     // no server to choose: what the system calls alone cost
  busy,      // its CPU is always busy
  threads,   // a thread for each peer
  scanning,  // each wait looks at every descriptor
  epoll,     // each wait is told which are ready
};
[[nodiscard]] LineKind line_kind(std::string_view name) noexcept;

}  // namespace echomux
