#include "harness/load/load.hpp"

#include <fmt/format.h>

#include <charconv>
#include <stdexcept>

#include "harness/text/field_json.hpp"
#include "harness/text/time_units.hpp"
#include "harness/text/words.hpp"

namespace echomux {

std::string_view to_string(Arrivals arrivals) noexcept {
  return word_of(arrivals, {"uniform", "poisson"});
}

std::string_view to_string(Payload payload) noexcept {
  return word_of(payload, {"text", "binary"});
}

void read_text(const std::string& text, Endpoint& source) {
  std::string host = text.substr(0, text.rfind(':'));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  source = resolve(host, 0);
}

std::string Part::to_string() const {
  return fmt::format("{}/{}", index + 1, count);
}

void read_text(const std::string& text, Part& part) {
  const auto number = [](std::string_view digits) {
    std::size_t value = 0;
    const char* const end = digits.data() + digits.size();
    const auto [rest, error] = std::from_chars(digits.data(), end, value);
    return error == std::errc{} && rest == end ? value : 0;
  };
  const std::size_t slash = std::min(text.find('/'), text.size());
  const std::size_t index = number(std::string_view(text).substr(0, slash));
  const std::size_t count = number(std::string_view(text).substr(std::min(slash + 1, text.size())));
  if (index == 0 || index > count || count > Part::most) {
    throw std::invalid_argument(fmt::format(
        "'{}' is no part of a load; write such as 2/3 for the second of three (at most {})", text,
        Part::most));
  }
  part = {index - 1, count};
}

Json to_json(const Load& load) {
  return json_of(load);
}

std::string load_in_words(const Load& load) {
  std::string text = fmt::format(
      "{} active connections exchange {}-byte messages for {:g} s after {:g} s of warm-up",
      load.active_connections, load.message_bytes, to_seconds(load.duration),
      to_seconds(load.warmup));
  const Json by_default = to_json(Load());
  const Json values = to_json(load);
  for_each_field(Of<Load>{}, [&](const LoadField& field, auto) {
    const Json& value = values.at(field.name);
    if (field.asked.words.empty() || value == by_default.at(field.name)) return;
    text += ", " + fmt::format(fmt::runtime(field.asked.words),
                               value.is_string() ? value.get<std::string>() : value.dump());
  });
  return text;
}

}  // namespace echomux
