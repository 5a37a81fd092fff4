#include "cli/values.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <ctime>
#include <limits>
#include <optional>
#include <span>

namespace echomux {
namespace {

struct Unit {
  std::string_view suffix;
  double factor;
};
constexpr std::array multiples{Unit{"", 1}, Unit{"k", 1e3}, Unit{"K", 1e3}, Unit{"m", 1e6},
                               Unit{"M", 1e6}};
constexpr std::array times{Unit{"ns", 1},  Unit{"us", 1e3}, Unit{"ms", 1e6},   Unit{"", 1e9},
                           Unit{"s", 1e9}, Unit{"m", 60e9}, Unit{"min", 60e9}, Unit{"h", 3600e9}};

// "2.5k" is 2500; none for what isn't a decimal number with one of the units.
std::optional<double> number_with_unit(std::string_view text, std::span<const Unit> units) {
  // Neither "nan" nor "inf" is a number here, and libstdc++ 12 would look for their ends behind
  // the text's own.
  const std::string_view digits = text.substr(text.starts_with('-') ? 1 : 0);
  if (digits.find_first_of("0123456789.") != 0) return std::nullopt;
  // What is left of 1,000 behind its comma isn't meant as a number of its own.
  if (digits.size() > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9') {
    return std::nullopt;
  }
  long double value = 0;  // for the product to be exact when it is rounded: 1.001k is 1001
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  if (error != std::errc{} || !std::isfinite(value)) return std::nullopt;
  const std::string_view suffix(rest, static_cast<std::size_t>(end - rest));
  for (const Unit& unit : units) {
    if (suffix == unit.suffix) return static_cast<double>(value * unit.factor);
  }
  return std::nullopt;
}

template <typename T>
void put(const Into<T>& into, const std::vector<std::string>& words, const auto& parse) {
  std::visit(
      [&](auto* to) {
        if constexpr (requires { to->push_back(T()); }) {
          to->clear();
          for (const std::string& word : words) to->push_back(parse(word));
        } else {
          *to = parse(words.back());
        }
      },
      into);
}

}  // namespace

void store(const Count& count, std::string_view option, const std::vector<std::string>& words) {
  put(count.to, words,
      [&](std::string_view word) { return parse_count(word, option, count.least, count.most); });
}

void store(const Number& number, std::string_view option, const std::vector<std::string>& words) {
  std::visit(
      [&]<typename T>(T* to) {
        using Whole =
            std::conditional_t<std::is_same_v<T, std::uint16_t>, std::uint16_t, std::uint64_t>;
        const std::string_view word = words.back();
        const char* const end = word.data() + word.size();
        Whole value = 0;
        const auto [rest, error] = std::from_chars(word.data(), end, value);
        const bool octal = word.size() > 1 && word.front() == '0';
        if (error != std::errc{} || rest != end || octal) {
          throw UsageError(fmt::format("{}: '{}' is not a whole number from 0 to {}", option, word,
                                       std::numeric_limits<Whole>::max()));
        }
        *to = value;
      },
      number.to);
}

void store(const Rate& rate, std::string_view option, const std::vector<std::string>& words) {
  put(rate.to, words, [&](std::string_view word) { return parse_rate(word, option); });
}

void store(const Duration& time, std::string_view option, const std::vector<std::string>& words) {
  put(time.to, words,
      [&](std::string_view word) { return parse_time(word, option, time.least, time.most); });
}

void store(const Words& words, std::string_view, const std::vector<std::string>& given) {
  try {
    for (const std::string& word : given) words.take(word);
  } catch (const std::invalid_argument& error) {
    throw UsageError(error.what());
  }
}

std::size_t parse_count(std::string_view text, std::string_view option, std::size_t least,
                        std::size_t most) {
  const std::optional<double> value = number_with_unit(text, multiples);
  if (!value || *value != std::floor(*value) || *value < static_cast<double>(least) ||
      *value > static_cast<double>(most)) {
    throw UsageError(
        fmt::format("{}: '{}' is not a whole number from {} to {}; write such as 250, 10k or 1m",
                    option, text, least, most));
  }
  return static_cast<std::size_t>(*value);
}

double parse_rate(std::string_view text, std::string_view option) {
  constexpr double largest = 100e6;
  const std::optional<double> value = number_with_unit(text, multiples);
  if (!value || *value < 0 || *value > largest) {
    throw UsageError(
        fmt::format("{}: '{}' is not a rate per second from 0 to 100m; write such as 250, 10k or "
                    "0.5",
                    option, text));
  }
  return *value;
}

std::chrono::nanoseconds parse_time(std::string_view text, std::string_view option,
                                    std::chrono::nanoseconds least, std::chrono::nanoseconds most) {
  const std::optional<double> ns = number_with_unit(text, times);
  if (!ns || *ns < static_cast<double>(least.count()) || *ns > static_cast<double>(most.count())) {
    throw UsageError(
        fmt::format("{}: '{}' is not a time from {} to {}; write such as 500ms, 30s or 2m", option,
                    text, time_text(least), time_text(most)));
  }
  return std::chrono::nanoseconds(std::llround(*ns));
}

namespace {

// None for what isn't one; of a time of day, that of today.
std::optional<std::chrono::duration<double>> seconds_since_1970(std::string_view text,
                                                                std::time_t now) {
  // The fraction of a second is what strptime(3) doesn't know.
  const std::size_t point = std::min(text.find('.'), text.size());
  const bool utc = text.ends_with('Z');
  if (utc) text.remove_suffix(1);
  const std::string whole(text.substr(0, point));
  const std::string fraction = "0" + std::string(text.substr(whole.size()));
  static constexpr std::array no_unit{Unit{"", 1}};
  const std::optional<double> part = number_with_unit(fraction, no_unit);
  if (!part || fraction == "0.") return std::nullopt;
  if (!utc && whole.size() >= 10 && whole.find_first_not_of("0123456789") == std::string::npos) {
    return std::chrono::duration<double>(std::strtod(whole.c_str(), nullptr) + *part);
  }
  for (const char* const format : {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%H:%M:%S", "%H:%M"}) {
    std::tm time{};
    utc ? ::gmtime_r(&now, &time) : ::localtime_r(&now, &time);
    time.tm_sec = 0;
    time.tm_isdst = -1;
    const char* const end = ::strptime(whole.c_str(), format, &time);
    if (end == nullptr || *end != '\0') continue;
    std::time_t seconds = utc ? ::timegm(&time) : ::mktime(&time);
    // Shortly before midnight, a time shortly after it is meant.
    constexpr std::time_t day = 24 * 3600;
    if (format[1] == 'H' && seconds < now - day / 2) seconds += day;
    return std::chrono::duration<double>(static_cast<double>(seconds) + *part);
  }
  return std::nullopt;
}

}  // namespace

std::chrono::system_clock::time_point parse_moment(std::string_view text, std::string_view option) {
  using std::chrono::system_clock;
  const system_clock::time_point now = system_clock::now();
  const auto seconds = seconds_since_1970(text, system_clock::to_time_t(now));
  if (!seconds) {
    throw UsageError(fmt::format(
        "{}: '{}' is no moment; write such as 18:30:00, 2026-11-28T18:30:00Z, or seconds since "
        "1970, as from: date -d '+10 sec' +%s",
        option, text));
  }
  const std::chrono::duration<double> ahead = *seconds - now.time_since_epoch();
  if (ahead.count() < 0 || ahead > std::chrono::hours(24)) {
    throw UsageError(fmt::format("{}: '{}' is {}; give a moment of the next 24 hours", option, text,
                                 ahead.count() < 0 ? "over already" : "too far ahead"));
  }
  return now + std::chrono::duration_cast<system_clock::duration>(ahead);
}

std::string time_text(std::chrono::nanoseconds time) {
  const auto ns = static_cast<double>(time.count());
  if (time.count() == 0) return "0s";
  if (time.count() % 3'600'000'000'000 == 0) return fmt::format("{:g}h", ns / 3600e9);
  if (ns >= 1e9) return fmt::format("{:g}s", ns / 1e9);
  if (ns >= 1e6) return fmt::format("{:g}ms", ns / 1e6);
  return ns >= 1e3 ? fmt::format("{:g}us", ns / 1e3) : fmt::format("{:g}ns", ns);
}

std::vector<std::string> split_command(std::string_view command, std::string_view option) {
  std::vector<std::string> words;
  bool in_word = false;
  char quote = '\0';
  for (std::size_t i = 0; i < command.size(); ++i) {
    char c = command[i];
    if (quote == '\0' && (c == ' ' || c == '\t' || c == '\n')) {
      in_word = false;
      continue;
    }
    if (!in_word) words.emplace_back();
    in_word = true;
    const bool escapable = quote == '\0' || (quote == '"' && i + 1 < command.size() &&
                                             (command[i + 1] == '"' || command[i + 1] == '\\'));
    if (c == '\\' && escapable) {
      if (++i == command.size())
        throw UsageError(fmt::format("{}: '{}' ends in the middle of an escape", option, command));
      words.back() += command[i];
    } else if (quote == '\0' && (c == '\'' || c == '"')) {
      quote = c;
    } else if (c == quote) {
      quote = '\0';
    } else {
      words.back() += c;
    }
  }
  if (quote != '\0') {
    throw UsageError(fmt::format("{}: a quote in '{}' is not closed", option, command));
  }
  return words;
}

std::string find_shell_syntax(std::string_view command) {
  const auto in_name = [](char c, bool digits) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (digits && c >= '0' && c <= '9');
  };
  const std::size_t begin = std::min(command.find_first_not_of(" \t\n"), command.size());
  std::size_t name_end = begin;
  while (name_end < command.size() && in_name(command[name_end], name_end > begin)) ++name_end;
  if (name_end > begin && name_end < command.size() && command[name_end] == '=') {
    return std::string(command.substr(begin, name_end + 1 - begin));
  }
  char quote = '\0';
  bool word_begins = true;
  for (std::size_t i = 0; i < command.size(); ++i) {
    const char c = command[i];
    const char next = i + 1 < command.size() ? command[i + 1] : ' ';
    if (quote != '\0') {
      if (c == quote) quote = '\0';
      if (quote == '"' && c == '\\') ++i;
      continue;
    }
    const bool blank = c == ' ' || c == '\t' || c == '\n';
    const bool home = word_begins && c == '~' && (next == '/' || next == ' ');
    const bool variable = c == '$' && (in_name(next, true) || next == '{' || next == '(');
    const bool comment = word_begins && c == '#';
    if (home || variable || comment ||
        std::string_view("|&;<>`*?[(").find(c) != std::string_view::npos) {
      return std::string(1, c);
    }
    if (c == '\\') ++i;
    if (c == '\'' || c == '"') quote = c;
    word_begins = blank;
  }
  return "";
}

}  // namespace echomux
