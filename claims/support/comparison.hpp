#pragma once

#include <cstdint>
#include <string>

#include "claims/claim.hpp"

// How claims read a ratio of two costs. All of it is pure.
namespace echomux::claims {

// How the first of two costs stands to the second. `material` is the ratio, above one, from which a
// difference matters for the sentence in question.
enum class Standing : std::uint8_t {
  dearer,   // the interval excludes 1, and the median is at least `material`
  cheaper,  // the interval excludes 1, and the median is at most 1 / `material`
  alike,    // the interval lies between 1 / `material` and `material`
  unclear,  // the interval allows for a difference that matters and for none; or there is none
};
[[nodiscard]] Standing standing(const MedianInterval& ratio, double material);

// The same bounds, whether or not the median reaches them.
[[nodiscard]] bool surely_above(const MedianInterval& ratio, double bound);
[[nodiscard]] bool surely_below(const MedianInterval& ratio, double bound);

// "9.8 [9.5, 10.1] times".
[[nodiscard]] std::string times(const MedianInterval& ratio);

// A finding that these rounds can't tell, because an interval spans both answers.
[[nodiscard]] Finding cannot_tell(const std::string& seen);

}  // namespace echomux::claims
