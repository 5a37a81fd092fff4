#include "tests/support/background_bench.hpp"

namespace echomux {

BackgroundBench::BackgroundBench(const std::filesystem::path& results,
                                 std::vector<std::string> further) {
  std::vector<std::string> arguments{"bench",    "--duration",  "50ms", "--warmup",      "20ms",
                                     "--no-pin", "--let-sleep", "-o",   results.string()};
  arguments.insert(arguments.end(), further.begin(), further.end());
  program_.emplace(arguments,
                   Streams{.in = -1, .out = out_.write_end.get(), .err = err_.write_end.get()});
  out_.write_end.reset();
  err_.write_end.reset();
}

void BackgroundBench::await_trials(std::size_t count) {
  while (trials_ < count) {
    const std::string line = read_line(err_.read_end.get());
    if (line.starts_with('[')) ++trials_;
    err_text_ += line;
  }
}

Finished BackgroundBench::finish() {
  Finished finished;
  // The table comes at the very end, and so waits for nobody but its reader.
  finished.err = err_text_ + read_all(err_.read_end.get());
  finished.out = read_all(out_.read_end.get());
  finished.status = program_->wait();
  return finished;
}

}  // namespace echomux
