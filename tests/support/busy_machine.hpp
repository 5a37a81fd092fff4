#pragma once

#include <cmath>
#include <string>

namespace echomux {

// For the few tests that measure. When one of them has not measured what it should, this says
// whether the machine may be the reason: empty, or a sentence for GTEST_SKIP. `waited` is the share
// of the time for which the threads that measured waited for a CPU.
inline std::string not_measurable(double waited) {
  // Alone, it is a tenth of that.
  constexpr double too_much = 0.02;
  if (waited < too_much) return {};
  return "not measurable now: what measures was kept from its CPU for " +
         std::to_string(std::lround(waited * 100)) + " % of the time";
}

}  // namespace echomux
