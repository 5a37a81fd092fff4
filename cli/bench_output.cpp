#include "cli/bench_output.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <iostream>

#include "cli/command.hpp"
#include "cli/output.hpp"
#include "harness/results/cell_histograms.hpp"
#include "harness/text/words.hpp"

namespace echomux {
namespace {

// Another run may look at the same name at this moment: the one that locks it gets it.
// `may_be_full` says that this run may write over what is there. Throws UsageError.
FileDescriptor hold_name(const std::filesystem::path& path, bool may_be_full) {
  std::error_code none;
  const std::filesystem::file_status there = std::filesystem::status(path, none);
  if (exists(there) && !is_regular_file(there)) return {};
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, 0666));
  if (!file) return {};  // and to write will say why
  struct stat held {};
  struct stat named {};
  const bool locked = ::flock(file.get(), LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
  // Its results take the place of the empty file in one step.
  const bool still_there = ::fstat(file.get(), &held) == 0 && ::stat(path.c_str(), &named) == 0 &&
                           held.st_ino == named.st_ino && held.st_dev == named.st_dev;
  if (locked && still_there && (may_be_full || held.st_size == 0)) return file;
  throw UsageError(
      fmt::format("{} is another run's, which is writing it; choose another name", path.string()));
}

// A name in this folder that no other run has taken or will take. On failure errno says why.
std::optional<std::filesystem::path> take_name(const std::filesystem::path& folder) {
  std::error_code error;
  const bool made = std::filesystem::create_directories(folder, error);
  if (error) {
    errno = error.value();
    return std::nullopt;
  }
  if (made) std::cerr << fmt::format("echomux: made the folder {}\n", folder.string());
  const std::string time = utc_now("bench-%Y%m%d-%H%M%S");
  for (int i = 1;; ++i) {
    const std::filesystem::path path =
        folder / fmt::format("{}{}.json", time, i == 1 ? "" : fmt::format("-{}", i));
    const FileDescriptor created(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (created) return path;
    if (errno != EEXIST) return std::nullopt;
  }
}

}  // namespace

std::optional<std::filesystem::path> page_of(const std::filesystem::path& results,
                                             const BenchArguments& arguments) {
  const std::filesystem::file_status status = std::filesystem::status(results);
  const bool is_file = !std::filesystem::exists(status) || is_regular_file(status);
  if (arguments.no_report || !is_file) return std::nullopt;
  return std::filesystem::path(results).replace_extension(".html");
}

Output choose_output(const BenchArguments& arguments) {
  const bool resumed = !arguments.resume.empty();
  const std::filesystem::path given = resumed ? arguments.resume : arguments.output;
  const auto page = page_of(given, arguments);
  if (!given.empty() && page == given) {
    throw UsageError(fmt::format(
        "{}: the page would take the place of the results; call them {}, or give --no-report",
        given.string(), std::filesystem::path(given).replace_extension(".json").string()));
  }
  std::error_code none;
  const bool was_free = !std::filesystem::exists(std::filesystem::symlink_status(given, none));
  // The page beside a run that goes on is its own.
  if (resumed) return {given, false, hold_name(given, true)};
  if (given.string().starts_with("/dev/std") || given.string().starts_with("/dev/fd/") ||
      given.string().starts_with("/proc/self/fd/")) {
    throw UsageError(
        fmt::format("-o {}: results are written anew after each trial; name a file, or "
                    "have them printed at the end with --format json",
                    given.string()));
  }
  if (!given.empty()) {
    check_output(given, arguments.force, "results");
    if (page) check_output(*page, arguments.force, "report");
    return {given, was_free, hold_name(given, arguments.force)};
  }
  std::vector<std::filesystem::path> folders = state_folders();
  folders.insert(folders.begin(), "results");
  for (const std::filesystem::path& folder : folders) {
    if (const auto path = take_name(folder)) return {*path, true};
    std::cerr << fmt::format("echomux: cannot write to {}: {}\n", folder.string(),
                             std::generic_category().message(errno));
  }
  throw std::runtime_error("nowhere to write the results to; choose a place with -o");
}

Results begin_results(const BenchArguments& arguments) {
  if (arguments.resume.empty()) {
    Results results;
    results.context = describe_run(make_plan(arguments), own_command_line());
    return results;
  }
  Results results = read_results(arguments.resume);
  if (arguments.program == "echomux" &&
      std::ranges::any_of(results.trials, [](const Trial& one) { return !one.parts.empty(); })) {
    throw UsageError(
        fmt::format("{} is a run from many hosts; go on with: echomux-mpi bench "
                    "--remote --resume {}",
                    arguments.resume, arguments.resume));
  }
  // What was cut off by the end of one of several clients is measured again.
  std::erase_if(results.trials, [](const Trial& trial) {
    return std::ranges::count(trial.judgement.reasons, rank_lost, &Reason::code) > 0;
  });
  // What was measured before and what will be are put into one table: the reader should know when
  // they come from two machines or programs.
  const RunContext now = describe_run(results.context.plan, {});
  std::vector<std::string> found = differences(results.context.machine, now.machine);
  if (!(results.context.build == now.build)) {
    found.push_back(fmt::format("program: built from {}, now from {}",
                                results.context.build.git_commit, now.build.git_commit));
  }
  for (const std::string& difference : found) {
    std::cerr << fmt::format("echomux: warning: {} was begun elsewhere: {}\n", arguments.resume,
                             difference);
  }
  return results;
}

Recorder::Recorder(const Output& output, Results results)
    : path_(output.path), results_(std::move(results)), trials_written_(trials()) {
  try {
    held_ = write_and_hold_results(path_, results_);
  } catch (...) {
    std::error_code ignored;
    if (output.is_new) std::filesystem::remove(path_, ignored);
    throw;
  }
}

void Recorder::finish() {
  add_histograms(results_);
  write();
  if (error_.empty()) return;
  throw std::runtime_error(fmt::format(
      "{}\nThe table has {} trials, the file has {}; mend its place and have the others measured "
      "again with: echomux bench --resume {}",
      error_, trials(), trials_written_, path_.string()));
}

void Recorder::add(const Trial& trial) {
  // What an interruption cut off is no result; a resumed run does it again.
  if (trial.outcome.kind != OutcomeKind::interrupted) results_.trials.push_back(trial);
  write();
}

void Recorder::add(const SystemCallCount& count) {
  results_.system_calls.push_back(count);
  write();
}

// Whatever could not be written on the way too, when there is room again. The figures are in
// memory meanwhile; told at once, the user can still make room before they are lost.
void Recorder::write() {
  try {
    held_ = write_and_hold_results(path_, results_);
  } catch (const std::exception& error) {
    if (error_.empty()) {
      std::cerr << fmt::format(
          "echomux: warning: {} can't be written now, which is tried again "
          "after every trial: {}\n",
          path_.string(), error.what());
    }
    error_ = error.what();
    return;
  }
  if (!error_.empty()) {
    std::cerr << fmt::format("echomux: {} can be written again\n", path_.string());
  }
  error_.clear();
  trials_written_ = trials();
}

}  // namespace echomux
