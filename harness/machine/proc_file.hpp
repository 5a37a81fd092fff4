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

// Why nothing can be learned here of this process and those that it starts; empty where it can.
// Servers are measured through /proc.
[[nodiscard]] std::string why_unusable();

// What stands between blanks and ends of lines, as parts of `text`.
[[nodiscard]] std::vector<std::string_view> words(std::string_view text);

// Without the blanks and ends of lines around it. A part of `text`.
[[nodiscard]] std::string_view trimmed(std::string_view text);

// What stands after "key:" or "key :" at the beginning of a line, as in /proc/PID/status; none if
// no line begins like that. A part of `text`.
[[nodiscard]] std::optional<std::string_view> field(std::string_view text, std::string_view key,
                                                    char separator = ':');

// The entries of a directory that are numbers, such as processes, threads or descriptors; empty if
// there is none. For /proc/self/fd, with the descriptor that it is read through.
[[nodiscard]] std::vector<int> numbers_in(const std::string& directory);

// The number that a text begins with; 0 if it doesn't.
template <typename Number = std::uint64_t>
[[nodiscard]] Number number(std::string_view text) {
  Number value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace echomux::proc
