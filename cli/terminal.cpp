#include "cli/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "harness/text/text_width.hpp"

namespace echomux {
namespace {

constexpr std::size_t usual_columns = 80;

}  // namespace

// Asked each time: a window may be made wider or narrower meanwhile.
std::size_t terminal_columns() {
  winsize size{};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : usual_columns;
}

std::size_t output_columns() {
  winsize size{};
  const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  if (::isatty(STDOUT_FILENO) != 1) return 0;
  return known ? size.ws_col : usual_columns;
}

ProgressLine::ProgressLine() {
  const char* const kind = std::getenv("TERM");
  shown_ = ::isatty(STDERR_FILENO) == 1 && (kind == nullptr || std::string_view(kind) != "dumb");
}

void ProgressLine::show(std::string_view text) const {
  if (!shown_) return;
  // A line as wide as the terminal already moves the cursor on at some.
  std::cerr << "\r\x1b[K" << clipped(text, terminal_columns() - 1) << std::flush;
}

void ProgressLine::clear() const {
  if (shown_) std::cerr << "\r\x1b[K" << std::flush;
}

}  // namespace echomux
