#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "harness/machine/spawned_process.hpp"
#include "tests/support/sanitizers.hpp"

namespace echomux {

// The server of tests of what doesn't depend on the backend.
inline constexpr const char* any_backend = "epoll_lt";

// A pseudo-terminal: what is written to `keyboard` is what a program reads that has `terminal` as
// its stdin. See pty(7).
struct Terminal {
  FileDescriptor keyboard;
  FileDescriptor terminal;
};
[[nodiscard]] Terminal open_terminal();

// A program, echomux unless another is named, running with the arguments given. The destructor
// kills it if it still runs.
class Program {
 public:
  Program(const std::vector<std::string>& arguments, const Streams& streams,
          const std::string& path = ECHOMUX_PROGRAM);

  [[nodiscard]] pid_t pid() const noexcept { return process_.pid(); }

  void send_signal(int signal) const;

  // Waits for its end and returns its exit status. Throws std::runtime_error when it has not ended
  // after `limit`, or when a signal has ended it.
  int wait(std::chrono::milliseconds limit = patience);

 private:
  SpawnedProcess process_;
};

// The same with its stdout and stderr in pipes, which the test reads.
class PipedProgram {
 public:
  explicit PipedProgram(const std::vector<std::string>& arguments, int in = -1);

  [[nodiscard]] int out() const noexcept { return out_.read_end.get(); }
  [[nodiscard]] int err() const noexcept { return err_.read_end.get(); }
  [[nodiscard]] pid_t pid() const noexcept { return program_.pid(); }
  void send_signal(int signal) const { program_.send_signal(signal); }
  int wait(std::chrono::milliseconds limit = patience) { return program_.wait(limit); }

 private:
  Pipe out_ = make_pipe();
  Pipe err_ = make_pipe();
  Program program_;
};

// What is left of a program that has ended.
struct Finished {
  int status = 0;
  std::string out;
  std::string err;
};

// Runs a program from start to end, with `input` and then its end on stdin. Throws as
// Program::wait() does.
[[nodiscard]] Finished run_program(const std::vector<std::string>& arguments,
                                   std::string_view input = {},
                                   const std::string& path = ECHOMUX_PROGRAM);

// `echomux serve SERVER --port 0` with further options, from its start to its end, which is asked
// for at once. `out` is its first line. Throws as Program::wait() does.
[[nodiscard]] Finished serve_shortly(const std::string& server,
                                     const std::vector<std::string>& options = {});

// Reads up to and including the next '\n', and no byte more. Throws std::runtime_error when it
// hasn't come after `patience`.
[[nodiscard]] std::string read_line(int fd);

// Reads to the end. Throws std::runtime_error when nothing comes for `patience`.
[[nodiscard]] std::string read_all(int fd);

}  // namespace echomux
