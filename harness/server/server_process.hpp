#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "echo/socket.hpp"
#include "harness/machine/spawned_process.hpp"

namespace echomux {

// How to start an echo server: ours or anybody's.
struct ServerCommand {
  // The program and its arguments, executed directly and not through a shell. Every "{port}" in
  // them becomes the port to listen on, on 127.0.0.1.
  std::vector<std::string> arguments;
  // True when the server follows `echomux serve`: it prints where it listens as its first line on
  // stdout, and answers SIGUSR1 with one line of JSON, its counters. Others are found by
  // connecting to them.
  bool speaks_echomux = false;
  std::optional<int> cpu = {};            // run on this CPU alone
  std::optional<rlim_t> open_files = {};  // its RLIMIT_NOFILE, soft and hard
};

// `PROGRAM serve BACKEND` on a free port, with further options; PROGRAM is echomux, or another with
// this subcommand.
[[nodiscard]] ServerCommand serve_command(const std::string& program, std::string_view backend,
                                          const std::vector<std::string>& options = {});

// How a server process ended.
struct ServerExit {
  bool killed_after_timeout = false;  // it did not stop when asked to
  std::optional<int> exit_status;     // none when a signal ended it
  int signal = 0;                     // the signal that did
};

// An echo server in a process of its own, listening from construction on. The destructor stops it,
// with SIGKILL if it must; the child also gets SIGKILL when its parent's thread dies, so none is
// left behind. Not for sharing between threads; construct it in the thread that lives longest.
class ServerProcess {
 public:
  // Throws std::runtime_error, with a sentence for the user, when the server can't be started or
  // doesn't listen within `limit`, or when it doesn't listen yet and `halt` asks to wait no longer.
  explicit ServerProcess(const ServerCommand& command,
                         std::chrono::milliseconds limit = std::chrono::seconds(10),
                         const std::stop_token& halt = {});
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  [[nodiscard]] pid_t pid() const noexcept { return process_.pid(); }
  [[nodiscard]] const Endpoint& endpoint() const noexcept { return endpoint_; }

  // False once the process has ended.
  [[nodiscard]] bool running() const { return process_.running(); }

  // The server's counters now, by name. None when it doesn't report any, or not within a second.
  [[nodiscard]] std::optional<std::map<std::string, std::uint64_t>> counters();

  // The CPU time that all its threads have used so far, in user and kernel mode, in nanoseconds
  // (clock_getcpuclockid(3)). None once it has ended.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> cpu_time() const;

  // Sends SIGTERM and waits up to `limit` for the end, then sends SIGKILL. Called again, it answers
  // the same.
  ServerExit stop(std::chrono::milliseconds limit = std::chrono::seconds(5));

  // Everything it has printed on stdout that counters() has not taken. After stop(), all of it.
  [[nodiscard]] std::string output();

 private:
  void wait_for_listening_line(std::chrono::steady_clock::time_point deadline);
  void wait_until_connectable(std::chrono::steady_clock::time_point deadline,
                              const std::stop_token& halt) const;
  bool read_more(std::chrono::steady_clock::time_point deadline);
  std::optional<std::string> read_line(std::chrono::steady_clock::time_point deadline);

  std::string name_;
  bool speaks_echomux_;
  Endpoint endpoint_;
  Pipe output_;                    // of which this end reads its stdout
  std::string unread_;             // output not yet taken
  std::uint64_t times_asked_ = 0;  // for its counters
  SpawnedProcess process_;
  std::optional<ServerExit> exit_;
};

}  // namespace echomux
