#include "tests/faults/fault_rules.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace echomux {
namespace {

constexpr int most_errors = 4096;  // the kernel's MAX_ERRNO

// Takes off and returns what stands before the first `end`.
std::string_view take(std::string_view& text, char end) {
  const std::size_t at = text.find(end);
  const std::string_view head = text.substr(0, at);
  text = at == std::string_view::npos ? std::string_view{} : text.substr(at + 1);
  return head;
}

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  if (text.empty()) refuse_faults("an empty number");
  for (const char digit : text) {
    if (digit < '0' || digit > '9') refuse_faults(text);
    value = value * 10 + static_cast<std::uint64_t>(digit - '0');
  }
  return value;
}

void read_when(std::string_view text, FaultRule& rule) {
  std::string_view value = text;
  const std::string_view name = take(value, '=');
  if (name == "random") {
    const double probability = std::strtod(value.data(), nullptr);  // ends at ',', ';' or NUL
    if (!(probability > 0 && probability < 1)) refuse_faults(text);
    rule.when = FaultRule::When::random;
    rule.n = static_cast<std::uint64_t>(
        probability * static_cast<double>(std::numeric_limits<std::uint64_t>::max()));
    return;
  }
  rule.n = number(value);
  // In the order of FaultRule::When.
  constexpr std::array<std::string_view, 3> names{"first", "nth", "every"};
  const auto* const found = std::find(names.begin(), names.end(), name);
  if (rule.n == 0 || found == names.end()) refuse_faults(text);
  rule.when = static_cast<FaultRule::When>(found - names.begin());
}

void read_fault(std::string_view text, FaultRule& rule) {
  if (text == "short") return;
  if (text.starts_with("room=")) {
    rule.send_room = static_cast<int>(number(text.substr(5)));
    return;
  }
  for (int error = 1; error < most_errors && rule.error == 0; ++error) {
    const char* const name = ::strerrorname_np(error);
    if (name != nullptr && name == text) rule.error = error;
  }
  if (rule.error == 0) refuse_faults(text);
}

void read_rule(std::string_view text, FaultRule& rule) {
  const std::string_view call = take(text, ':');
  const auto* const found = std::find(fault_call_names.begin(), fault_call_names.end(), call);
  if (found == fault_call_names.end()) refuse_faults(call);
  rule.call = static_cast<FaultCall>(found - fault_call_names.begin());
  read_fault(take(text, ':'), rule);
  read_when(take(text, ','), rule);
  while (!text.empty()) {
    const std::string_view option = take(text, ',');
    if (option == "ready") {
      rule.ready_only = true;
    } else if (option.starts_with("seed=")) {
      rule.seed = number(option.substr(5));
    } else if (option.starts_with("skip=")) {
      rule.skip = number(option.substr(5));
    } else {
      refuse_faults(option);
    }
  }
}

// SplitMix64: whether the n-th call fails depends on the seed and n alone, not on which thread
// makes it.
std::uint64_t scramble(std::uint64_t word) {
  word += 0x9E3779B97F4A7C15U;
  word = (word ^ (word >> 30U)) * 0xBF58476D1CE4E5B9U;
  word = (word ^ (word >> 27U)) * 0x94D049BB133111EBU;
  return word ^ (word >> 31U);
}

}  // namespace

void refuse_faults(std::string_view what) {
  std::fprintf(stderr, "fault_shim: can't make sense of '%.*s' in %s\n",
               static_cast<int>(what.size()), what.data(), fault_variable);
  ::_exit(99);
}

std::size_t read_rules(std::string_view text, std::array<FaultRule, max_fault_rules>& rules) {
  std::size_t used = 0;
  for (; !text.empty(); ++used) {
    if (used == rules.size()) refuse_faults(text);
    read_rule(take(text, ';'), rules[used]);
  }
  return used;
}

bool is_due(FaultRule& rule) {
  const std::uint64_t seen = rule.seen.fetch_add(1) + 1;
  if (seen <= rule.skip) return false;
  const std::uint64_t nth = seen - rule.skip;
  switch (rule.when) {
    case FaultRule::When::first:
      return nth <= rule.n;
    case FaultRule::When::nth:
      return nth == rule.n;
    case FaultRule::When::every:
      return nth % rule.n == 0;
    case FaultRule::When::random:
      return scramble(scramble(rule.seed) + nth) < rule.n;
  }
  return false;
}

}  // namespace echomux
