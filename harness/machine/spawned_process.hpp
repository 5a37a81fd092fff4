#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "echo/file_descriptor.hpp"

namespace echomux {

// The two ends of a pipe(2), neither of which started programs inherit by accident.
struct Pipe {
  FileDescriptor read_end;
  FileDescriptor write_end;
};
[[nodiscard]] Pipe make_pipe();

// The descriptors that become a program's stdin, stdout and stderr; -1 is /dev/null.
struct Streams {
  static constexpr int inherited = -2;  // as they are here
  int in = -1;
  int out = -1;
  int err = -1;
};

// How a program is started.
struct SpawnOptions {
  // The program and its arguments, executed directly and not through a shell; looked up in PATH
  // when it has no '/'.
  std::vector<std::string> arguments;
  Streams streams = {};
  std::filesystem::path directory = {};        // where it runs; here when empty
  std::vector<int> cpus = {};                  // on these alone; where it may run here when empty
  std::optional<rlim_t> open_files = {};       // its RLIMIT_NOFILE, soft and hard
  std::optional<rlim_t> soft_open_files = {};  // the soft one alone, where the hard one allows it
  // Below a guardian (guardian.hpp), for a program that may leave its session or processes behind.
  bool guarded = false;
};

// How a process ended.
struct ProcessEnd {
  std::optional<int> exit_status;        // none when a signal ended it
  int signal = 0;                        // the signal that did
  std::chrono::nanoseconds cpu_time{0};  // what it used from its start to its end
  bool left_some = false;                // guarded: processes that may not be killed still run
};

// A program in a process of its own, which leads a process group and has no signal blocked or
// ignored by accident. It gets SIGKILL when the thread that started it dies, and in the destructor,
// so none is left behind. One that is guarded gets it when this process ends, however it does. So
// does all that it has started. It counts as running as long as any of them does. Not for sharing
// between threads.
class SpawnedProcess {
 public:
  // Returns when the program runs, or can't: see exec_error(). Throws std::system_error when there
  // is no process to be had.
  explicit SpawnedProcess(SpawnOptions options);
  ~SpawnedProcess();
  SpawnedProcess(const SpawnedProcess&) = delete;
  SpawnedProcess& operator=(const SpawnedProcess&) = delete;

  [[nodiscard]] pid_t pid() const noexcept { return program_; }
  // The parent of all that it has started and that has lost its own; none when it isn't guarded.
  [[nodiscard]] std::optional<pid_t> guardian() const noexcept;

  // Why the program could not be executed, such as ENOENT; zero when it was. Its process has then
  // ended with exit status 127, or 126 when it could not be given what `options` ask for.
  [[nodiscard]] int exec_error() const noexcept { return exec_error_; }

  // False once the process has ended.
  [[nodiscard]] bool running() const { return !wait_for_end(std::chrono::milliseconds(0)); }
  // How a guarded program has ended that may have left others behind; none while it runs.
  [[nodiscard]] const std::optional<ProcessEnd>& program_end();

  // Waits for its end, without taking its exit status. False when it still runs after `limit`.
  [[nodiscard]] bool wait_for_end(std::chrono::milliseconds limit) const;

  // Asks it to stop, and if it is guarded, all that it has started: SIGTERM, and SIGCONT for what
  // was stopped. Nothing once end() was called.
  void ask_to_stop() const;

  // Takes its exit status; kills it first if it still runs, and all that is left of its process
  // group, or of what it has started if it is guarded. Called again, it answers the same.
  const ProcessEnd& end();

 private:
  bool guarded_;
  pid_t pid_ = -1;      // of our child
  pid_t program_ = -1;  // the same, or if it is guarded, the child of that
  int exec_error_ = 0;
  FileDescriptor process_;  // a pidfd, readable when our child has ended; none where there is none
  Pipe orders_;             // to the guardian
  Pipe news_;               // from it
  std::optional<ProcessEnd> program_end_;
  std::optional<ProcessEnd> end_;
};

// What a program that ran to its end wrote.
struct Captured {
  std::string text;
  ProcessEnd end;
  int exec_error = 0;     // as SpawnedProcess has it
  bool too_long = false;  // it still ran after the time limit and was killed
};

// Runs a program to its end, for `limit` at most, and collects the first `most_bytes` of what it
// writes to `stream`, which is STDOUT_FILENO or STDERR_FILENO. Throws as SpawnedProcess does.
[[nodiscard]] Captured run_and_capture(SpawnOptions options, int stream,
                                       std::chrono::milliseconds limit,
                                       std::size_t most_bytes = SIZE_MAX);

// Milliseconds until `deadline`, as poll(2) takes them: never negative, since that means forever.
[[nodiscard]] int remaining_ms(std::chrono::steady_clock::time_point deadline);

}  // namespace echomux
