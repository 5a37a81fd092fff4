#pragma once

#include <string>

#include "harness/results_file.hpp"

namespace echomux {

enum class TableFormat { text, markdown };

// The whole run for a reader: what was run and where, one table per number of idle connections, and
// a few sentences that follow from the figures.
[[nodiscard]] std::string report(const Results& results, TableFormat format);

// One trial in one line, without the server's name.
[[nodiscard]] std::string one_line(const Trial& trial);

}  // namespace echomux
