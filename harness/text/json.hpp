#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace echomux {

// What is wrong with JSON, as a sentence: text can't be parsed, something is missing, or a value is
// of another type or out of range.
class JsonError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A JSON value. An object keeps the order in which its members came. Every function throws
// JsonError where the value is of another type than it needs. One value may be read by several
// threads.
class Json {
 public:
  using Array = std::vector<Json>;
  using Object = std::vector<std::pair<std::string, Json>>;

  Json() noexcept;  // null
  Json(const Json& other);
  Json(Json&& other) noexcept;
  // Takes a copy: json["new"] = json["old"] moves the members when it adds one.
  Json& operator=(Json other) noexcept;
  ~Json();

  Json(std::nullptr_t) noexcept;
  Json(const void*) = delete;  // else a pointer would be a bool
  Json(bool value) noexcept;
  Json(double value) noexcept;
  Json(std::int64_t value) noexcept;
  Json(std::uint64_t value) noexcept;
  template <std::integral T>
  Json(T value) noexcept
      : Json(static_cast<std::conditional_t<std::signed_integral<T>, std::int64_t, std::uint64_t>>(
            value)) {}
  Json(const char* text);
  Json(std::string_view text);
  Json(std::string text) noexcept;
  // {{"key", value}, ...} is an object, any other list an array.
  Json(std::initializer_list<Json> list);
  template <typename T>
  Json(const std::vector<T>& list) : Json(array()) {
    for (const T& element : list) push_back(element);
  }
  template <typename Map>
  requires requires { typename Map::mapped_type; }
  Json(const Map& map) : Json(object()) {
    for (const auto& [key, element] : map) (*this)[key] = element;
  }
  // Null where there is no value.
  template <typename T>
  Json(const std::optional<T>& value) : Json(value ? Json(*value) : Json()) {}

  [[nodiscard]] static Json array(std::initializer_list<Json> list = {});
  [[nodiscard]] static Json object();

  // Reads one value and nothing behind it. A value that is nested in more than 16 others is
  // refused.
  [[nodiscard]] static Json parse(std::istream& text);
  [[nodiscard]] static Json parse(std::string_view text);
  // In one line, or with a line for each value and `indent` spaces a level. Doubles have the fewest
  // digits that give the same double again; those that aren't finite are null. What is no UTF-8
  // becomes U+FFFD.
  [[nodiscard]] std::string dump(int indent = -1) const;

  [[nodiscard]] bool is_null() const noexcept { return value_.index() == 0; }
  [[nodiscard]] bool is_number() const noexcept {
    return is_number_unsigned() || holds<std::int64_t>() || holds<double>();
  }
  // A whole number that isn't negative.
  [[nodiscard]] bool is_number_unsigned() const noexcept { return holds<std::uint64_t>(); }
  [[nodiscard]] bool is_string() const noexcept { return holds<std::string>(); }
  [[nodiscard]] bool is_array() const noexcept { return holds<Array>(); }
  [[nodiscard]] bool is_object() const noexcept { return holds<Object>(); }
  [[nodiscard]] bool is_structured() const noexcept { return is_array() || is_object(); }

  // The value as a T. Whole numbers are refused where they are out of T's range, and fractions
  // where T is a whole number.
  template <typename T>
  [[nodiscard]] T get() const {
    T value{};
    get_to(value);
    return value;
  }
  void get_to(bool& value) const;
  void get_to(double& value) const;
  void get_to(std::string& value) const;
  template <std::integral T>
  void get_to(T& value) const {
    using Range = std::numeric_limits<T>;
    value = static_cast<T>(whole_number(Range::min(), static_cast<std::uint64_t>(Range::max())));
  }
  template <typename T>
  void get_to(std::vector<T>& list) const {
    list.clear();
    for (const Json& element : *this) element.get_to(list.emplace_back());
  }
  template <typename Map>
  requires requires { typename Map::mapped_type; }
  void get_to(Map& map) const {
    map.clear();
    for (const auto& [key, element] : items()) element.get_to(map[key]);
  }
  // Null is no value.
  template <typename T>
  void get_to(std::optional<T>& value) const {
    value.reset();
    if (!is_null()) get_to(value.emplace());
  }

  // How many elements or members there are: none in what is neither array nor object.
  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }

  // --- an array ---

  [[nodiscard]] const Json* begin() const { return elements().data(); }
  [[nodiscard]] const Json* end() const { return begin() + size(); }
  [[nodiscard]] Json* begin() { return const_cast<Json*>(std::as_const(*this).begin()); }
  [[nodiscard]] Json* end() { return begin() + size(); }
  [[nodiscard]] const Json& at(std::size_t index) const;
  [[nodiscard]] Json& at(std::size_t index) {
    return const_cast<Json&>(std::as_const(*this).at(index));
  }
  [[nodiscard]] const Json& operator[](std::size_t index) const { return at(index); }
  [[nodiscard]] Json& operator[](std::size_t index) { return at(index); }
  // Null becomes an array first.
  void push_back(Json element);

  // --- an object ---

  [[nodiscard]] const Object& items() const;
  // The member, or a null pointer where there is none of that name.
  [[nodiscard]] const Json* find(std::string_view key) const noexcept;
  [[nodiscard]] bool contains(std::string_view key) const noexcept { return find(key) != nullptr; }
  [[nodiscard]] const Json& at(std::string_view key) const;
  [[nodiscard]] Json& at(std::string_view key) {
    return const_cast<Json&>(std::as_const(*this).at(key));
  }
  // Adds a null where there is no such member. Null becomes an object first.
  Json& operator[](std::string_view key);
  void erase(std::string_view key);
  // Puts in every member of another object, in place of one of the same name.
  void update(const Json& other);

  // Numbers are compared by what they are worth, objects with the order of their members.
  friend bool operator==(const Json& one, const Json& other);
  friend std::ostream& operator<<(std::ostream& out, const Json& json);

 private:
  struct Text;  // the way to the library that reads and writes text, and back

  template <typename T>
  [[nodiscard]] bool holds() const noexcept {
    return std::holds_alternative<T>(value_);
  }
  // What is held, refused where it is of another type.
  template <typename T>
  [[nodiscard]] const T& as() const;
  template <typename T>
  [[nodiscard]] T& as() {
    return const_cast<T&>(std::as_const(*this).template as<T>());
  }
  [[nodiscard]] const Array& elements() const;
  // The bits of a whole number from `least` to `most`.
  [[nodiscard]] std::uint64_t whole_number(std::int64_t least, std::uint64_t most) const;
  [[noreturn]] void refuse(std::string_view wanted) const;

  // A whole number is an int64_t only where it is negative.
  std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double, std::string, Array,
               Object>
      value_;
};

}  // namespace echomux
