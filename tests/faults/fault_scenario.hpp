#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/faults/fault_cells.hpp"
#include "tests/faults/faulty_server.hpp"

namespace echomux {

// What came of one cell of the matrix.
struct FaultResult {
  enum class Verdict : std::uint8_t { passed, failed, never_fired, not_applicable };

  Verdict verdict = Verdict::not_applicable;
  std::uint64_t injected = 0;      // how often the fault really struck
  std::uint64_t lost = 0;          // how many peers lost their connection by it
  std::vector<std::string> wrong;  // what a server must not do; empty unless it failed
  double seconds = 0;
};

// Puts a server through a cell: peers of all kinds while the fault strikes, and what a healthy
// server does once it has ceased. Not applicable cells are answered at once. Never throws. May be
// called from several threads.
[[nodiscard]] FaultResult try_cell(const FaultCell& cell, Injector injector = Injector::shim);

// "passed (3 injected, 1 lost)", "FAILED: …", "never fired", "not applicable: …".
[[nodiscard]] std::string in_words(const FaultCell& cell, const FaultResult& result);

}  // namespace echomux
