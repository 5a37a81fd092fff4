#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <limits>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "harness/text/field.hpp"
#include "harness/text/json.hpp"
#include "harness/text/time_units.hpp"
#include "harness/text/words.hpp"

// JSON both ways, and its schema, of structs that name their fields, and of what they are made of:
// numbers, texts, enumerations with a to_string(), optional values, lists and maps.
namespace echomux {

// --- what doesn't depend on the type ---

// The place of a field in an object, made where it isn't there.
[[nodiscard]] Json& place_of(const Field& field, Json& object);
// The field's value; none where a file of this version may lack it. Throws JsonError where it
// mustn't.
[[nodiscard]] const Json* find_field(const Field& field, const Json& object, int version);
// The schema of an object without fields so far, and the field put into it.
[[nodiscard]] Json object_schema();
void add_to_schema(const Field& field, Json value_schema, Json& object);
// The schema of what is of this example's type: a text, a number, true or false.
[[nodiscard]] Json schema_like(const Json& example);
// A time of so many seconds. Throws std::runtime_error for one that nobody measures for.
[[nodiscard]] std::chrono::nanoseconds time_of(const Json& seconds);

template <typename Map>
concept IsMap = requires {
  typename Map::mapped_type;
};
template <typename T>
concept IsOptional = requires(T value) {
  value.has_value();
};
// A time is a number of seconds.
template <typename T>
concept IsTime = std::same_as<T, std::chrono::nanoseconds>;
template <typename T>
concept IsText = std::convertible_to<T, std::string_view>;
template <typename T>
concept IsList = std::ranges::range<T> && !IsText<T> && !std::same_as<T, Json>;
// A list of names and values is an object whose members keep that order.
template <typename T>
concept IsNamedList = IsList<T> && !IsMap<T> && requires(typename T::value_type pair) {
  { pair.first } -> IsText;
};

// --- to JSON ---

template <typename T>
[[nodiscard]] Json json_of(const T& value);

template <HasFields T>
void write_fields(const T& value, Json& object) {
  for_each_field(Of<T>{}, [&](const Field& field, auto member) {
    if (!field.written) return;
    const auto& written = std::invoke(member, value);
    if constexpr (HasFields<ValueOf<T, decltype(member)>>) {
      if (field.name.empty()) return write_fields(written, object);
    }
    place_of(field, object) = json_of(written);
  });
}

template <typename T>
Json json_of(const T& value) {
  if constexpr (HasFields<T>) {
    Json object = Json::object();
    write_fields(value, object);
    return object;
  } else if constexpr (std::is_enum_v<T>) {
    return to_string(value);
  } else if constexpr (IsOptional<T>) {
    return value ? json_of(*value) : Json();
  } else if constexpr (IsTime<T>) {
    return to_seconds(value);
  } else if constexpr (requires {
                         { value.to_string() } -> IsText;
                       }) {
    return value.to_string();
  } else if constexpr (IsNamedList<T>) {
    Json object = Json::object();
    for (const auto& [name, element] : value) object[name] = json_of(element);
    return object;
  } else if constexpr (IsList<T> && !IsMap<T>) {
    Json list = Json::array();
    for (const auto& element : value) list.push_back(json_of(element));
    return list;
  } else {
    return value;
  }
}

// --- and back ---

// Reads what json_of() wrote, in this version of the schema. Throws std::exception, which says what
// is wrong. Of what is written by its to_string(), read_text(text, value) is the way back.
template <typename T>
void read_json(const Json& json, T& value, int version = std::numeric_limits<int>::max());

template <HasFields T>
void read_fields(const Json& object, T& value, int version) {
  for_each_field(Of<T>{}, [&](const Field& field, auto member) {
    using Held = ValueOf<T, decltype(member)>;
    if constexpr (std::same_as<std::invoke_result_t<decltype(member), T&>, Held&>) {
      if (!field.written) return;
      if constexpr (HasFields<Held>) {
        if (field.name.empty()) return read_fields(object, std::invoke(member, value), version);
      }
      const Json* const json = find_field(field, object, version);
      if (json == nullptr) return;
      if constexpr (std::is_enum_v<Held>) {
        std::invoke(member, value) =
            enumerator<Held>(json->template get<std::string>(), field.name);
      } else {
        read_json(*json, std::invoke(member, value), version);
      }
    }
  });
}

template <typename T>
void read_json(const Json& json, T& value, int version) {
  if constexpr (HasFields<T>) {
    read_fields(json, value, version);
  } else if constexpr (IsOptional<T>) {
    value.reset();
    if (!json.is_null()) read_json(json, value.emplace(), version);
  } else if constexpr (IsTime<T>) {
    value = time_of(json);
  } else if constexpr (requires { value.emplace_back(); } && !IsText<T>) {
    value.clear();
    for (const Json& element : json) read_json(element, value.emplace_back(), version);
  } else if constexpr (requires { read_text(std::string(), value); }) {
    read_text(json.get<std::string>(), value);
  } else if constexpr (requires { std::tuple_size<T>::value; }) {
    for (std::size_t i = 0; i < value.size(); ++i) read_json(json.at(i), value[i], version);
  } else {
    json.get_to(value);
  }
}

// --- the schema ---

template <typename T>
[[nodiscard]] Json schema_of();

template <HasFields T>
void add_fields_to_schema(Json& object) {
  for_each_field(Of<T>{}, [&](const Field& field, auto member) {
    using Held = ValueOf<T, decltype(member)>;
    if (!field.written) return;
    if constexpr (HasFields<Held>) {
      if (field.name.empty()) return add_fields_to_schema<Held>(object);
    }
    add_to_schema(field, schema_of<Held>(), object);
  });
}

template <typename T>
Json schema_of() {
  if constexpr (HasFields<T>) {
    Json object = object_schema();
    add_fields_to_schema<T>(object);
    return object;
  } else if constexpr (std::is_enum_v<T>) {
    return {{"type", "string"}, {"enum", words_of<T>()}};
  } else if constexpr (IsOptional<T>) {
    Json schema = schema_of<typename T::value_type>();
    schema["type"] = Json::array({schema.at("type"), "null"});
    return schema;
  } else if constexpr (IsTime<T>) {
    return schema_of<double>();
  } else if constexpr (IsMap<T>) {
    return {{"type", "object"}, {"additionalProperties", schema_of<typename T::mapped_type>()}};
  } else if constexpr (IsNamedList<T>) {
    using Element = decltype(T::value_type::second);
    return {{"type", "object"}, {"additionalProperties", schema_of<Element>()}};
  } else if constexpr (IsList<T>) {
    return {{"type", "array"}, {"items", schema_of<typename T::value_type>()}};
  } else if constexpr (requires(T value) { read_text(std::string(), value); }) {
    return {{"type", "string"}};
  } else if constexpr (std::same_as<T, Json>) {
    return Json::object();
  } else {
    return schema_like(T{});
  }
}

}  // namespace echomux
