#pragma once

#include <concepts>
#include <cstddef>
#include <optional>
#include <string>

#include "harness/stats/statistics.hpp"

// All ways in which a number is said to a person, each with its name.
namespace echomux {

// A number as a reader wants it: three significant digits, whole from 100 on, thousands apart
// ("12,345"), never with an exponent; "never" for infinity, which stands for a place that isn't
// reached.
[[nodiscard]] std::string reader_number(double value);
template <std::integral Integer>
[[nodiscard]] std::string reader_number(Integer value) {
  return reader_number(static_cast<double>(value));
}

// The same with the interval behind it, where there is one: "0.93 [0.90, 0.97]".
[[nodiscard]] std::string reader_number(const MedianInterval& value);

// One digit after the point, none from 100 on: more than such a measurement bears.
// "-" for one that there isn't.
[[nodiscard]] std::string figure_in_words(std::optional<double> value);

// The same with the interval behind it, where there is one: "53.9 [52.1, 55.0]".
[[nodiscard]] std::string figure_in_words(const MedianInterval& value);

// A ratio, with so many digits after the point: "1.051 [1.032, 1.070]".
[[nodiscard]] std::string ratio_in_words(double ratio,
                                         const std::optional<MedianInterval::Bounds>& bounds,
                                         int decimals = 3);

// Four significant digits, as of figures that are of very different size: "0.01234", "7.779e+04".
// "-" for one that there isn't.
[[nodiscard]] std::string four_digits(std::optional<double> value);

// As many digits as a machine that reads it may want: ten, and no zero at the end.
[[nodiscard]] std::string plain_number(double value);

// Without digits after the point, and none of a thousand apart: "12345".
[[nodiscard]] std::string whole_number(double value);

// "10,000".
[[nodiscard]] std::string count_in_words(std::size_t count);

// A share of 0.0831 as "8 %", or with a digit after the point as "8.3 %".
[[nodiscard]] std::string percent(double share, int decimals = 0);

// "1000 requests/s", or that there is no rate.
[[nodiscard]] std::string rate_in_words(double rate);

}  // namespace echomux
