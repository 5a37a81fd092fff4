#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "tests/faults/fault_page.hpp"

namespace echomux {

// One rule of a specification (fault_page.hpp), as the shim follows it.
struct FaultRule {
  enum class When : std::uint8_t { first, nth, every, random };

  FaultCall call = FaultCall::recv;
  int error = 0;      // 0 when it is one of the other two
  int send_room = 0;  // "room=BYTES"; both 0 is "short"
  When when = When::first;
  std::uint64_t n = 0;  // random: the probability, in units of 2^-64
  std::uint64_t seed = 0;
  std::uint64_t skip = 0;
  bool ready_only = false;
  std::atomic<std::uint64_t> seen{0};
};

// Reads a specification and returns how many rules it has. Ends the process with status 99 when it
// can't be understood: a test whose fault is misspelt must not pass. Needs no memory.
std::size_t read_rules(std::string_view text, std::array<FaultRule, max_fault_rules>& rules);

// Says on stderr what can't be understood, and ends the process with status 99.
[[noreturn]] void refuse_faults(std::string_view what);

// Counts one more call that the rule could strike, and returns whether it does.
[[nodiscard]] bool is_due(FaultRule& rule);

}  // namespace echomux
