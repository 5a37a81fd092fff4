#include "report/palette.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstddef>
#include <cstdint>

namespace echomux {
namespace {

struct NamedLine {
  std::string_view name;
  LineKind kind;
  LineStyle style;
};

// epoll is what published figures call epoll_lt. A select without its limit is still select.
constexpr std::array named_lines{
    NamedLine{"floor", LineKind::floor, {"#1a1a1a", "#e8e8e8", "6 4", "circle"}},
    NamedLine{"blocking", LineKind::other, {"#3596cf", "#a6dcfa", "", "wye"}},
    NamedLine{"threaded", LineKind::threads, {"#b07a00", "#e69f00", "", "cross"}},
    NamedLine{"busy_poll", LineKind::busy, {"#766c00", "#f0e442", "", "star"}},
    NamedLine{"select", LineKind::scanning, {"#d55e00", "#ff7f32", "", "square"}},
    NamedLine{"select (no limit)", LineKind::scanning, {"#d55e00", "#ff7f32", "8 3", "square"}},
    NamedLine{"poll", LineKind::scanning, {"#b8508c", "#e08fbe", "", "triangle"}},
    NamedLine{"epoll", LineKind::epoll, {"#00609c", "#4ba3e3", "", "circle"}},
    NamedLine{"epoll_lt", LineKind::epoll, {"#00609c", "#4ba3e3", "", "circle"}},
    NamedLine{"epoll_et", LineKind::epoll, {"#008a65", "#1fc99a", "", "diamond"}},
    NamedLine{"coroutines", LineKind::epoll, {"#4d6b00", "#a3c940", "4 2", "triangle"}},
    NamedLine{"reactor_workers", LineKind::threads, {"#7d4a9e", "#c99be6", "4 2", "square"}},
    NamedLine{"reuseport", LineKind::threads, {"#a03c3c", "#f08c8c", "4 2", "circle"}},
};

struct Colour {
  std::string_view light;
  std::string_view dark;
};
// What is left for other names: hues that stay away from those above.
constexpr std::array other_colours{Colour{"#5b3fa0", "#b49cf2"}, Colour{"#6b6b6b", "#a8adb3"},
                                   Colour{"#7a3b1d", "#cf9678"}, Colour{"#0f6b75", "#5fc4cf"},
                                   Colour{"#8c1c2f", "#ef7f8f"}};
constexpr std::array<std::string_view, 3> other_dashes{"2 3", "10 3 2 3", "4 2"};
constexpr std::array<std::string_view, 7> other_symbols{"diamond", "cross",  "star",    "wye",
                                                        "circle",  "square", "triangle"};

// FNV-1a: the same everywhere, which std::hash doesn't promise.
constexpr std::uint32_t hash(std::string_view text) {
  std::uint32_t value = 2'166'136'261U;
  for (const char c : text) {
    value = (value ^ static_cast<unsigned char>(c)) * 16'777'619U;
  }
  return value;
}

const NamedLine* find_line(std::string_view name) noexcept {
  const auto* const found = std::ranges::find(named_lines, name, &NamedLine::name);
  return found == named_lines.end() ? nullptr : found;
}

}  // namespace

LineKind line_kind(std::string_view name) noexcept {
  const NamedLine* const line = find_line(name.substr(0, name.find(':')));
  return line == nullptr ? LineKind::other : line->kind;
}

LineStyle line_style(std::string_view name) noexcept {
  if (const NamedLine* const line = find_line(name)) return line->style;
  // "reuseport:4", a server with so many workers, has that server's colour and its own symbol.
  const std::size_t colon = name.find(':');
  const NamedLine* const server =
      colon == std::string_view::npos ? nullptr : find_line(name.substr(0, colon));
  if (const NamedLine* const line = server) {
    LineStyle style = line->style;
    unsigned workers = 0;
    std::from_chars(name.data() + colon + 1, name.data() + name.size(), workers);
    // Those from one to four, and then one for each doubling.
    const unsigned number =
        workers <= 4 ? workers : static_cast<unsigned>(std::bit_width(workers)) + 2;
    style.symbol = other_symbols[number % other_symbols.size()];
    return style;
  }
  const std::size_t number = hash(name) >> 4U;  // its lowest bits mix least
  const Colour colour = other_colours[number % other_colours.size()];
  const std::size_t rest = number / other_colours.size();
  return {colour.light, colour.dark, other_dashes[rest % other_dashes.size()],
          other_symbols[rest / other_dashes.size() % other_symbols.size()]};
}

}  // namespace echomux
