#pragma once

#include <cstddef>
#include <string_view>

namespace echomux {

// How many columns the terminal at stderr has; 80 where there is none.
[[nodiscard]] std::size_t terminal_columns();

// How many columns the terminal at stdout has; 0 where there is none.
[[nodiscard]] std::size_t output_columns();

// Progress on stderr. At a terminal it is one line that changes and is never longer than the
// terminal is wide, because a longer one would leave a part of it behind with each change. Where
// stderr isn't a terminal, or one that can't erase (TERM=dumb), there is no such line.
class ProgressLine {
 public:
  ProgressLine();

  [[nodiscard]] bool shown() const noexcept { return shown_; }
  // In the place of what was shown before.
  void show(std::string_view text) const;
  void clear() const;

 private:
  bool shown_;
};

}  // namespace echomux
