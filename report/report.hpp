#pragma once

#include <string>
#include <string_view>

#include "harness/results/results_file.hpp"

namespace echomux {

enum class ReportFormat { text, markdown, csv, json, compact };

// The whole run for a reader: as text and markdown, what was run and where, one table per number of
// idle connections and rate, the answer, and sentences that follow from the figures; as CSV one
// line per trial; as JSON the results file itself; compact: in its compact form. Text keeps within
// `width` columns, as far as the servers' names and costs do: columns that matter less are left
// out. 0: it is as wide as it is.
[[nodiscard]] std::string report(const Results& results, ReportFormat format,
                                 std::size_t width = 0);

// The format of this name; text for any other.
[[nodiscard]] ReportFormat report_format(std::string_view name);

// Where each cell's time and memory went, with the source of each figure, and the reason for each
// that is missing.
[[nodiscard]] std::string cost_ledger(const Results& results);

// What each host saw of each trial that several hosts have loaded.
[[nodiscard]] std::string hosts_report(const Results& results);

// One trial in one line, without its cell.
[[nodiscard]] std::string one_line(const Trial& trial);

}  // namespace echomux
