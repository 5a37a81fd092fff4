#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.hpp"

namespace echomux {

// What options take for a value. All throw UsageError, with a sentence that names `option`, for
// anything else.

// A whole number, with k for a thousand and m for a million: "250", "10k", "1m".
[[nodiscard]] std::size_t parse_count(std::string_view text, std::string_view option,
                                      std::size_t least, std::size_t most);

// A rate per second, not negative, which may have a fraction: "1k", "2.5k", "0.5".
[[nodiscard]] double parse_rate(std::string_view text, std::string_view option);

// A time: "500ms", "30s", "2m", "1h", "250us"; without a unit, seconds.
[[nodiscard]] std::chrono::nanoseconds parse_time(std::string_view text, std::string_view option,
                                                  std::chrono::nanoseconds least,
                                                  std::chrono::nanoseconds most);

// Parses the words that were given for `option`, and puts them where they go.
void store(const Count& count, std::string_view option, const std::vector<std::string>& words);
void store(const Number& number, std::string_view option, const std::vector<std::string>& words);
void store(const Rate& rate, std::string_view option, const std::vector<std::string>& words);
void store(const Duration& time, std::string_view option, const std::vector<std::string>& words);
void store(const Words& words, std::string_view option, const std::vector<std::string>& given);

// A moment of the next day: seconds since 1970, "18:30", "18:30:05.5" or "2026-11-28T18:30:05Z".
// Without a Z at its end, what isn't in seconds is local time.
[[nodiscard]] std::chrono::system_clock::time_point parse_moment(std::string_view text,
                                                                 std::string_view option);

// "250us", "1.5s": the shortest such text for a time.
[[nodiscard]] std::string time_text(std::chrono::nanoseconds time);

// Splits a command into words where there is blank space outside quotes. Single quotes keep
// everything, double quotes all but \" and \\, a backslash outside quotes the next character;
// nothing else is special, because no shell is involved.
[[nodiscard]] std::vector<std::string> split_command(std::string_view command,
                                                     std::string_view option);

// What in a command, outside quotes, only a shell understands: the "NAME=" of a variable before the
// program, a redirection, a pipe, '&', ';', '$', '`', a home directory's '~', a pattern of files, a
// subshell or a comment. Empty: nothing.
[[nodiscard]] std::string find_shell_syntax(std::string_view command);

}  // namespace echomux
