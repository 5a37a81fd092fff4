#pragma once

#include <concepts>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace echomux {

// Reads a value of a file that somebody may have spoilt. Throws std::exception, which says what is
// wrong, for one of another type; for a whole number, also for fractions and for what is out of its
// range, whose conversion by the library would be undefined or become another number.
template <typename T>
void read_value(const nlohmann::ordered_json& json, T& value) {
  if constexpr (std::integral<T> && !std::same_as<T, bool>) {
    const bool fits = json.is_number_unsigned()
                          ? std::in_range<T>(json.get<std::uint64_t>())
                          : json.is_number_integer() && std::in_range<T>(json.get<std::int64_t>());
    if (!fits) {
      throw std::runtime_error(json.is_number() ? json.dump() + " is no whole number in its range"
                                                : std::string("a ") + json.type_name() +
                                                      " stands where a whole number should");
    }
  }
  json.get_to(value);
}

template <std::integral T>
void read_value(const nlohmann::ordered_json& json, std::vector<T>& values) {
  if (!json.is_array()) throw std::runtime_error("there is no list where one should be");
  values.clear();
  for (const auto& element : json) read_value(element, values.emplace_back());
}

template <std::integral T>
void read_value(const nlohmann::ordered_json& json, std::map<std::string, T>& values) {
  if (!json.is_object()) throw std::runtime_error("there is no table where one should be");
  values.clear();
  for (const auto& [key, element] : json.items()) read_value(element, values[key]);
}

}  // namespace echomux
