#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/program.hpp"

namespace echomux {

// `echomux bench` at work, so that something can be done to it in the middle of its sweep.
class BackgroundBench {
 public:
  // Short trials, unpinned; `further` says what of.
  BackgroundBench(const std::filesystem::path& results, const std::vector<std::string>& further);

  // Waits until as many trials are done, by the lines "[2/8] ..." that it prints. Throws
  // std::runtime_error when that takes too long.
  void await_trials(std::size_t count);

  void send_signal(int signal) const { program_.send_signal(signal); }

  // Waits for its end.
  [[nodiscard]] Finished finish();

 private:
  PipedProgram program_;
  std::string err_text_;
  std::size_t trials_ = 0;
};

}  // namespace echomux
