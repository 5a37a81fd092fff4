#include "harness/text/field_json.hpp"

#include <fmt/core.h>

namespace echomux {
namespace {

// "client.steal_share" is "steal_share" in "client".
std::pair<std::string_view, std::string_view> split(std::string_view name) {
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos) return {"", name};
  return {name.substr(0, dot), name.substr(dot + 1)};
}

void add_property(std::string_view name, Json schema, Json& object) {
  Json& properties = object["properties"];
  if (properties.contains(name)) return;
  properties[name] = std::move(schema);
  object["required"].push_back(name);
}

}  // namespace

Json& place_of(const Field& field, Json& object) {
  const auto [outer, inner] = split(field.name);
  return (outer.empty() ? object : object[outer])[inner];
}

const Json* find_field(const Field& field, const Json& object, int version) {
  const auto [outer, inner] = split(field.name);
  const Json& inside = outer.empty() ? object : object.at(outer);
  if (version < field.since && !inside.contains(inner)) return nullptr;
  return &inside.at(inner);
}

Json object_schema() {
  return {{"type", "object"},
          {"properties", Json::object()},
          {"required", Json::array()},
          {"additionalProperties", false}};
}

void add_to_schema(const Field& field, Json value_schema, Json& object) {
  const auto [outer, inner] = split(field.name);
  if (!field.explanation.empty()) value_schema["description"] = field.explanation;
  if (inner.ends_with("_share")) value_schema["minimum"] = 0;
  if (!outer.empty()) add_property(outer, object_schema(), object);
  add_property(inner, std::move(value_schema),
               outer.empty() ? object : object["properties"][outer]);
}

Json schema_like(const Json& example) {
  if (example.is_string()) return {{"type", "string"}};
  if (!example.is_number()) return {{"type", "boolean"}};
  if (example.is_number_unsigned()) return {{"type", "integer"}, {"minimum", 0}};
  return {{"type", "number"}};
}

std::chrono::nanoseconds time_of(const Json& seconds) {
  constexpr double longest_seconds = 1e6;
  const auto count = seconds.get<double>();
  if (!(count >= 0 && count <= longest_seconds)) {
    throw std::runtime_error(fmt::format("{} s is no time that is measured for", count));
  }
  return std::chrono::round<std::chrono::nanoseconds>(std::chrono::duration<double>(count));
}

}  // namespace echomux
