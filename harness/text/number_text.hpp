#pragma once

#include <string>

#include "harness/stats/statistics.hpp"

namespace echomux {

// A number as a reader wants it: three significant digits, whole from 100 on, thousands apart
// ("12,345"), never with an exponent; "never" for infinity, which stands for a place that isn't
// reached.
[[nodiscard]] std::string reader_number(double value);

// The same with the interval behind it, where there is one: "0.93 [0.90, 0.97]".
[[nodiscard]] std::string reader_number(const MedianInterval& value);

}  // namespace echomux
