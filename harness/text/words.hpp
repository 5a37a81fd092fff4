#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace echomux {

// All of `items`, which are strings, with `separator` between them.
template <typename Items>
[[nodiscard]] std::string joined(const Items& items, std::string_view separator) {
  std::string text;
  bool first = true;
  for (const auto& item : items) {
    if (!first) text += separator;
    text += item;
    first = false;
  }
  return text;
}

// An enumerator's word among those of its enumeration, in its order; empty when it has none.
template <typename Enum>
[[nodiscard]] constexpr std::string_view word_of(Enum value,
                                                 std::initializer_list<std::string_view> words) {
  const auto place = static_cast<std::size_t>(value);
  return place < words.size() ? words.begin()[place] : std::string_view();
}

// "(about 05:30 left)", in minutes and seconds.
[[nodiscard]] std::string time_left(double seconds);

// The time now, in UTC, as a format of strftime(3) has it.
[[nodiscard]] std::string utc_now(const char* format);

// "select, poll and epoll_lt".
[[nodiscard]] std::string list_in_words(const std::vector<std::string>& items);

}  // namespace echomux
