#include "harness/text/json.hpp"

#include <algorithm>
#include <array>
#include <istream>
#include <nlohmann/json.hpp>
#include <ostream>
#include <sstream>

namespace echomux {
namespace {

using Library = nlohmann::ordered_json;

// No file of ours is nested more deeply, and what reads a value calls itself for each level.
constexpr int deepest_nesting = 16;

// In the order of the types in the variant.
constexpr std::array type_names{"null",     "true or false", "a number", "a number",
                                "a number", "a string",      "an array", "an object"};

}  // namespace

struct Json::Text {
  static Library to_library(const Json& json) {
    return std::visit(
        [](const auto& value) -> Library {
          using T = std::remove_cvref_t<decltype(value)>;
          if constexpr (std::is_same_v<T, Array>) {
            Library::array_t list;
            list.reserve(value.size());
            for (const Json& element : value) list.push_back(to_library(element));
            return list;
          } else if constexpr (std::is_same_v<T, Object>) {
            Library::object_t table;
            for (const auto& [key, element] : value) table.emplace(key, to_library(element));
            return table;
          } else {
            return value;
          }
        },
        json.value_);
  }

  static Json from_library(Library& from) {
    if (from.is_string()) return std::move(from.get_ref<std::string&>());
    if (from.is_number_unsigned()) return from.get<std::uint64_t>();
    if (from.is_number_integer()) return from.get<std::int64_t>();
    if (from.is_number_float()) return from.get<double>();
    if (from.is_boolean()) return from.get<bool>();
    Json json;
    if (from.is_array()) {
      json = array();
      for (Library& element : from) json.push_back(from_library(element));
    } else if (from.is_object()) {
      Object& members = json.value_.emplace<Object>();
      for (auto& [key, element] : from.get_ref<Library::object_t&>()) {
        members.emplace_back(key, from_library(element));
      }
    }
    return json;
  }
};

Json::Json() noexcept = default;
Json::Json(const Json& other) = default;
Json::Json(Json&& other) noexcept = default;
Json::~Json() = default;

Json::Json(std::nullptr_t) noexcept {}
Json::Json(bool value) noexcept : value_(value) {}
Json::Json(double value) noexcept : value_(value) {}
Json::Json(std::uint64_t value) noexcept : value_(value) {}
Json::Json(const char* text) : value_(std::string(text)) {}
Json::Json(std::string_view text) : value_(std::string(text)) {}
Json::Json(std::string text) noexcept : value_(std::move(text)) {}

Json& Json::operator=(Json other) noexcept {
  value_ = std::move(other.value_);
  return *this;
}

Json::Json(std::int64_t value) noexcept {
  if (value < 0) {
    value_.emplace<std::int64_t>(value);
  } else {
    value_.emplace<std::uint64_t>(static_cast<std::uint64_t>(value));
  }
}

Json::Json(std::initializer_list<Json> list) {
  const bool is_object = std::ranges::all_of(list, [](const Json& element) {
    return element.is_array() && element.size() == 2 && element.at(0).is_string();
  });
  if (!is_object) {
    value_ = Array(list);
    return;
  }
  Object& members = value_.emplace<Object>();
  for (const Json& pair : list) members.emplace_back(pair.at(0).get<std::string>(), pair.at(1));
}

Json Json::array(std::initializer_list<Json> list) {
  Json json;
  json.value_ = Array(list);
  return json;
}

Json Json::object() {
  Json json;
  json.value_ = Object();
  return json;
}

Json Json::parse(std::istream& text) {
  try {
    Library parsed = Library::parse(text, [](int depth, auto /*event*/, Library& /*value*/) {
      if (depth > deepest_nesting) throw JsonError("it is nested too deeply");
      return true;
    });
    return Text::from_library(parsed);
  } catch (const Library::exception& error) {
    throw JsonError(error.what());
  }
}

Json Json::parse(std::string_view text) {
  std::istringstream stream{std::string(text)};
  return parse(stream);
}

std::string Json::dump(int indent) const {
  return Text::to_library(*this).dump(indent, ' ', false, Library::error_handler_t::replace);
}

void Json::get_to(bool& value) const {
  value = as<bool>();
}

void Json::get_to(double& value) const {
  value = holds<double>()        ? as<double>()
          : is_number_unsigned() ? static_cast<double>(as<std::uint64_t>())
                                 : static_cast<double>(as<std::int64_t>());
}

void Json::get_to(std::string& value) const {
  value = as<std::string>();
}

std::uint64_t Json::whole_number(std::int64_t least, std::uint64_t most) const {
  if (!is_number()) refuse("a whole number");
  const auto* const natural = std::get_if<std::uint64_t>(&value_);
  if (natural != nullptr && *natural <= most) return *natural;
  const auto* const negative = std::get_if<std::int64_t>(&value_);
  if (negative != nullptr && *negative >= least) return static_cast<std::uint64_t>(*negative);
  throw JsonError(dump() + " is no whole number in its range");
}

std::size_t Json::size() const noexcept {
  if (is_array()) return elements().size();
  return is_object() ? items().size() : 0;
}

const Json::Array& Json::elements() const {
  return as<Array>();
}

const Json& Json::at(std::size_t index) const {
  if (index < elements().size()) return elements()[index];
  throw JsonError("element " + std::to_string(index) + " is missing");
}

void Json::push_back(Json element) {
  if (is_null()) value_ = Array();
  as<Array>().push_back(std::move(element));
}

const Json::Object& Json::items() const {
  return as<Object>();
}

const Json* Json::find(std::string_view key) const noexcept {
  if (!is_object()) return nullptr;
  const auto found = std::ranges::find(items(), key, &Object::value_type::first);
  return found == items().end() ? nullptr : &found->second;
}

const Json& Json::at(std::string_view key) const {
  static_cast<void>(items());  // what is no object is refused as that
  if (const Json* const member = find(key)) return *member;
  throw JsonError('"' + std::string(key) + "\" is missing");
}

Json& Json::operator[](std::string_view key) {
  if (is_null()) value_ = Object();
  return contains(key) ? at(key) : as<Object>().emplace_back(key, Json()).second;
}

void Json::erase(std::string_view key) {
  std::erase_if(as<Object>(), [&](const auto& member) { return member.first == key; });
}

void Json::update(const Json& other) {
  for (const auto& [key, element] : other.items()) (*this)[key] = element;
}

bool operator==(const Json& one, const Json& other) {
  if (one.is_number() && other.is_number() && one.value_.index() != other.value_.index()) {
    return one.get<double>() == other.get<double>();
  }
  return one.value_ == other.value_;
}

std::ostream& operator<<(std::ostream& out, const Json& json) {
  return out << json.dump();
}

void Json::refuse(std::string_view wanted) const {
  throw JsonError(std::string(type_names[value_.index()]) + " stands where " + std::string(wanted) +
                  " should");
}

template <typename T>
const T& Json::as() const {
  if (const T* const value = std::get_if<T>(&value_)) return *value;
  refuse(type_names[decltype(value_)(T()).index()]);
}

}  // namespace echomux
