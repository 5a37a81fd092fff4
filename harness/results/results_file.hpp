#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>
#include <utility>
#include <vector>

#include "echo/file_descriptor.hpp"
#include "harness/bench/results.hpp"

namespace echomux {

// The time now in UTC, as ISO 8601 has it: "2026-01-31T12:00:00Z".
[[nodiscard]] std::string iso_time_now();

// What this process was started as, for the record.
[[nodiscard]] std::vector<std::string> own_command_line();

// A context with everything filled in that the machine can tell.
[[nodiscard]] RunContext describe_run(const SweepPlan& plan, std::vector<std::string> command);

// The names of figures and where they come from, for a reader; in the order of the ledger.
[[nodiscard]] const std::vector<std::pair<std::string, std::string>>& ledger_sources();

// Writes all of it, and the summary that follows from it, as one JSON document (its schema is
// harness/results/results.schema.json); never leaves a half-written file behind, because it
// replaces the old one in one step (rename(2)). Creates the directory. Throws std::runtime_error
// with a sentence for the user.
void write_results(const std::filesystem::path& path, const Results& results);

// The same, and the file stays this run's for as long as the result lives: see write_and_hold().
[[nodiscard]] FileDescriptor write_and_hold_results(const std::filesystem::path& path,
                                                    const Results& results);

// The same document as text.
[[nodiscard]] std::string results_json(const Results& results);

// The same in the compact form, which takes a fifth of the room: in a line for each trial, with one
// histogram a cell, six digits a figure, and without what follows from the rest (summary,
// sources) or is read by no command (the costs of single slices).
[[nodiscard]] std::string compact_results_json(Results results);

// The JSON schema of that document, with summaries of these metrics.
[[nodiscard]] std::string results_schema(const std::vector<Metric>& summarized = metrics());

// Reads what write_results wrote; the summary is worked out anew. Throws std::runtime_error, with a
// sentence for the user, for a file that isn't there or isn't one.
[[nodiscard]] Results read_results(const std::filesystem::path& path);

// The same from an open stream, of any length. Throws std::exception, which says what is wrong with
// the text.
[[nodiscard]] Results parse_results(std::istream& text);

}  // namespace echomux
