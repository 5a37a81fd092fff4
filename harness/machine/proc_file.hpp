#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Reading /proc (proc(5)), whose files are lines of words and numbers.
namespace echomux::proc {

// All of a file, or none if it can't be read: a process may end at any time.
[[nodiscard]] std::optional<std::string> read_file(const std::string& path);

// What stands between blanks and ends of lines, as parts of `text`.
[[nodiscard]] std::vector<std::string_view> words(std::string_view text);

// The number that a text begins with; 0 if it doesn't.
template <typename Number = std::uint64_t>
[[nodiscard]] Number number(std::string_view text) {
  Number value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace echomux::proc
