// A machine's fields: to JSON and back, and how two machines differ in them.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "harness/machine/machine.hpp"
#include "harness/text/field_json.hpp"
#include "harness/text/words.hpp"

namespace echomux {
namespace {

// Equal, or numbers (such as tcp_mem's three) within 1 % of each other: the same machine's memory
// and what the kernel derives from it differ by some pages from start to start.
bool nearly_equal(const std::string& one, const std::string& other) {
  if (one == other) return true;
  std::istringstream ones(one);
  std::istringstream others(other);
  for (std::string left, right;;) {
    const bool more = static_cast<bool>(ones >> left);
    if (more != static_cast<bool>(others >> right)) return false;
    if (!more) return true;
    const auto is_digit = [](unsigned char c) { return std::isdigit(c) != 0; };
    if (!std::ranges::all_of(left, is_digit) || !std::ranges::all_of(right, is_digit)) return false;
    const double a = std::strtod(left.c_str(), nullptr);
    const double b = std::strtod(right.c_str(), nullptr);
    if (std::abs(a - b) > 0.01 * std::max(a, b)) return false;
  }
}

std::string in_words(const std::string& value) {
  return value.empty() ? "none" : value;
}

std::string in_words(std::uint64_t value) {
  return std::to_string(value);
}

std::string in_words(const Limit& value) {
  return value ? std::to_string(*value) : "none";
}

std::string in_words(const std::vector<std::string>& value) {
  return value.empty() ? "none" : joined(value, ", ");
}

// What matters about a machine, as pairs of a name and a value in words.
using Profile = std::vector<std::pair<std::string, std::string>>;

template <typename T>
void add_to_profile(const T& value, Profile& profile) {
  for_each_field(Of<T>{}, [&](const Field& field, auto member) {
    const auto& part = value.*member;
    using Part = ValueOf<T, decltype(member)>;
    if constexpr (HasFields<Part>) {
      add_to_profile(part, profile);
    } else if constexpr (IsMap<Part>) {
      if (field.title.empty()) return;
      for (const auto& [name, text] : part) {
        profile.emplace_back(fmt::format("{} {}", field.title, name), in_words(text));
      }
    } else if constexpr (requires { in_words(part); }) {
      if (!field.title.empty()) profile.emplace_back(field.title, in_words(part));
    }
  });
}

Profile profile_of(const Machine& machine) {
  Profile profile;
  add_to_profile(machine, profile);
  return profile;
}

std::string value_in(const Profile& profile, const std::string& name) {
  const auto found = std::ranges::find(profile, name, &Profile::value_type::first);
  return found == profile.end() ? "not told" : found->second;
}

}  // namespace

Json to_json(const Machine& machine) {
  return json_of(machine);
}

Machine machine_from(const Json& json) {
  // Of any version: what an older program didn't describe is left out.
  constexpr int oldest = 2;
  Machine machine;
  read_json(json, machine, oldest);
  return machine;
}

std::vector<std::string> differences(const Machine& one, const Machine& other) {
  const Profile ones = profile_of(one);
  Profile all = ones;
  const Profile others = profile_of(other);
  for (const auto& [name, value] : others) {
    if (value_in(ones, name) == "not told") all.emplace_back(name, value);
  }
  std::vector<std::string> sentences;
  for (const auto& [name, ignored] : all) {
    const std::string left = value_in(ones, name);
    const std::string right = value_in(others, name);
    if (nearly_equal(left, right)) continue;
    sentences.push_back(fmt::format("The {} differs: {} against {}.", name, left, right));
  }
  return sentences;
}

}  // namespace echomux
