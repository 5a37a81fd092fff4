#include "harness/load/load.hpp"

#include <fmt/format.h>

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
