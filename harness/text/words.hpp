#pragma once

#include <algorithm>
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

// "\"ab\\n\\x00\"": bytes as C has them, so that a reader sees each.
[[nodiscard]] std::string in_quotes(std::string_view bytes);

// "(about 05:30 left)", in minutes and seconds, and from an hour on in hours as well.
[[nodiscard]] std::string time_left(double seconds);

// The time now, in UTC, as a format of strftime(3) has it.
[[nodiscard]] std::string utc_now(const char* format);

// "select, poll and epoll_lt".
[[nodiscard]] std::string list_in_words(const std::vector<std::string>& items);

// --- enumerations with a to_string() ---

// The word of an enumerator, for its to_string(): those from 0 on have these.
template <typename Enum>
[[nodiscard]] constexpr std::string_view word_of(
    Enum value, std::initializer_list<std::string_view> words) noexcept {
  const auto index = static_cast<std::size_t>(value);
  return index < words.size() ? words.begin()[index] : std::string_view();
}

// All words of an enumeration: the numbers from 0 on that have one.
template <typename Enum>
[[nodiscard]] std::vector<std::string> words_of() {
  std::vector<std::string> words;
  for (std::size_t i = 0; !to_string(static_cast<Enum>(i)).empty(); ++i) {
    words.emplace_back(to_string(static_cast<Enum>(i)));
  }
  return words;
}

[[noreturn]] void refuse_word(std::string_view what, const std::string& word);

// The enumerator of this word. Throws std::invalid_argument, which names `what` it is none of.
template <typename Enum>
[[nodiscard]] Enum enumerator(const std::string& word, std::string_view what) {
  const std::vector<std::string> words = words_of<Enum>();
  const auto found = std::ranges::find(words, word);
  if (found == words.end()) refuse_word(what, word);
  return static_cast<Enum>(found - words.begin());
}

}  // namespace echomux
