#include "tests/support/background_bench.hpp"

namespace echomux {

namespace {

std::vector<std::string> short_trials(const std::filesystem::path& results,
                                      const std::vector<std::string>& further) {
  std::vector<std::string> arguments{"bench",    "--duration",  "50ms", "--warmup",      "20ms",
                                     "--no-pin", "--let-sleep", "-o",   results.string()};
  arguments.insert(arguments.end(), further.begin(), further.end());
  return arguments;
}

}  // namespace

BackgroundBench::BackgroundBench(const std::filesystem::path& results,
                                 const std::vector<std::string>& further)
    : program_(short_trials(results, further)) {}

void BackgroundBench::await_trials(std::size_t count) {
  while (trials_ < count) {
    const std::string line = read_line(program_.err());
    if (line.starts_with('[')) ++trials_;
    err_text_ += line;
  }
}

Finished BackgroundBench::finish() {
  Finished finished;
  // The table comes at the very end, and so waits for nobody but its reader.
  finished.err = err_text_ + read_all(program_.err());
  finished.out = read_all(program_.out());
  finished.status = program_.wait();
  return finished;
}

}  // namespace echomux
