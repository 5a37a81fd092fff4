#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "cli/bench_plan.hpp"
#include "echo/file_descriptor.hpp"
#include "harness/results/results_file.hpp"

namespace echomux {

// The results file, and whether this run has created it, empty.
struct Output {
  std::filesystem::path path;
  bool is_new = false;
  FileDescriptor lock = {};  // on what is there, until there are results of this run in it
};

// Where the arguments want the results: an earlier run's file, the name that they give, or a new
// one in the first folder that can be written to. Throws UsageError where the name is taken or
// can't be written to, std::runtime_error where there is no such folder.
[[nodiscard]] Output choose_output(const BenchArguments& arguments);

// The page to look at, beside its results. A device or a pipe has none beside it.
[[nodiscard]] std::optional<std::filesystem::path> page_of(const std::filesystem::path& results,
                                                           const BenchArguments& arguments);

// Results without trials, or those of the run that is gone on with. Says on stderr where the two
// come from different machines or programs.
[[nodiscard]] Results begin_results(const BenchArguments& arguments);

// The results file and what is in it so far: it is written after every trial.
class Recorder {
 public:
  // Writes at once, since a place that can't be written to is better known before anything is
  // measured. Throws what write_results() throws.
  Recorder(const Output& output, Results results);

  [[nodiscard]] const Results& results() const { return results_; }

  // Adds up the latencies of each cell, and writes a last time. Throws std::runtime_error, which
  // says what is missing in the file and how to have it measured again, when that can't be done.
  void finish();

  void add(const Trial& trial);
  void add(const SystemCallCount& count);
  void set_ceiling(double rps) { results_.client_ceiling_rps = rps; }

 private:
  [[nodiscard]] std::size_t trials() const { return results_.trials.size(); }
  void write();

  std::filesystem::path path_;
  Results results_;
  std::size_t trials_written_;
  std::string error_;
  FileDescriptor held_;  // the file as it was last written, which is no other run's meanwhile
};

}  // namespace echomux
