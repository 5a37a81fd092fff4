#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace echomux {

// How figures and loads are put into words, the same everywhere.

// "1000 requests/s", or that there is no rate.
[[nodiscard]] std::string rate_in_words(double rate);

// One digit after the point, none from 100 on: more than such a measurement bears.
[[nodiscard]] std::string figure_in_words(double value);

// "10,000".
[[nodiscard]] std::string count_in_words(std::size_t count);

// "select, poll and epoll_lt".
[[nodiscard]] std::string list_in_words(const std::vector<std::string>& items);

}  // namespace echomux
