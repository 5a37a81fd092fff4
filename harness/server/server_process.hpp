#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "echo/socket.hpp"
#include "harness/machine/spawned_process.hpp"
#include "harness/server/bounded_log.hpp"
#include "harness/server/process_meter.hpp"

namespace echomux {

// How to start an echo server: ours or anybody's.
struct ServerCommand {
  // The program and its arguments, executed directly and not through a shell. Every "{port}" in
  // them becomes a port to listen on that was free a moment ago.
  std::vector<std::string> arguments;
  // True when the server follows `echomux serve`: it prints where it listens as its first line on
  // stdout, and answers SIGUSR1 with one line of JSON, its counters. Of others the kernel is asked
  // where they listen.
  bool speaks_echomux = false;
  bool echoes_all_bytes = false;               // so it is known of it, though it doesn't speak so
  std::vector<int> cpus = {};                  // run on these alone; anywhere when empty
  std::optional<rlim_t> open_files = {};       // its RLIMIT_NOFILE, soft and hard
  std::optional<rlim_t> soft_open_files = {};  // the soft one alone
};

// `PROGRAM serve BACKEND` on a free port, with further options; PROGRAM is echomux, or another with
// this subcommand.
[[nodiscard]] ServerCommand serve_command(const std::string& program, std::string_view backend,
                                          const std::vector<std::string>& options = {});

// How a server process ended.
struct ServerExit {
  bool killed_after_timeout = false;  // it did not stop when asked to
  bool left_some = false;             // what it has started and may not be killed still runs
  std::optional<int> exit_status;     // none when a signal ended it
  int signal = 0;                     // the signal that did
};

// What a user has to know of those.
inline constexpr std::string_view left_some_words =
    "processes that its command has started still run, and are not this user's to stop, such as "
    "those of sudo: stop them yourself";

// An echo server in a process of its own, listening from construction on. The destructor stops it,
// with SIGKILL if it must, so none is left behind. Ours gets SIGKILL when its parent's thread dies.
// Anybody's is guarded (spawned_process.hpp): it may run in the background, leave its session or
// leave processes behind. Its stdin is a pipe in which nothing comes and that doesn't end: a server
// that waits for a key waits, and none is stopped by the terminal. Its stderr is a bounded log. Not
// for sharing between threads; construct it in the thread that lives longest.
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

  // Of the program. Of one that is in the background by now, the number may be another's.
  [[nodiscard]] pid_t pid() const noexcept { return process_->pid(); }
  // Where it listens, on an address of this machine.
  [[nodiscard]] const Endpoint& endpoint() const noexcept { return endpoint_; }

  // It is nobody's whose bytes are known to come back as they are: ours' and the floor's do.
  [[nodiscard]] bool may_alter_bytes() const noexcept { return may_alter_bytes_; }

  // False once the process has ended, and all that it has started.
  [[nodiscard]] bool running() const { return process_->running(); }
  // True when all have ended, now or within this time.
  [[nodiscard]] bool ends_within(std::chrono::milliseconds time) const {
    return process_->wait_for_end(time);
  }
  // All that run.
  [[nodiscard]] std::vector<pid_t> processes() const;
  // What they have used so far; none once they have ended.
  [[nodiscard]] std::optional<ProcessReading> read_processes(Detail detail) const;
  // False when who listens is none of them, such as a proxy that was there before: what it uses
  // can't be told.
  [[nodiscard]] bool listens_itself() const noexcept { return listens_itself_; }
  // False when this user may not see whether who listens is one of them, such as below sudo.
  [[nodiscard]] bool seen_to_listen() const noexcept { return seen_to_listen_; }
  // "; its last words: …", what it said last on stderr; empty where that isn't known.
  [[nodiscard]] std::string last_words() const;

  // The server's counters now, by name. None when it doesn't report any, or not within a second.
  [[nodiscard]] std::optional<std::map<std::string, std::uint64_t>> counters();
  // Those that it told of each of its workers when it was last asked, by name; empty where it has
  // none, or too many.
  [[nodiscard]] const std::map<std::string, std::vector<std::uint64_t>>& counters_by_worker()
      const {
    return by_worker_;
  }

  // It has some, but too many for that.
  [[nodiscard]] bool has_workers_untold() const noexcept { return workers_untold_; }

  // The CPU time that all its threads have used so far, in user and kernel mode, in nanoseconds
  // (clock_getcpuclockid(3)). None once it has ended.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> cpu_time() const;

  // Sends SIGTERM and waits up to `limit` for the end, then sends SIGKILL. Called again, it answers
  // the same.
  ServerExit stop(std::chrono::milliseconds limit = std::chrono::seconds(5));

  // Everything it has printed on stdout that counters() has not taken. After stop(), all of it.
  [[nodiscard]] std::string output();

 private:
  using Clock = std::chrono::steady_clock;

  void start(const ServerCommand& command);
  void start_on_a_free_port(const ServerCommand& command, Clock::time_point deadline,
                            const std::stop_token& halt);
  void wait_for_listening_line(Clock::time_point deadline);
  bool wait_until_listening(Clock::time_point deadline, const std::stop_token& halt);
  [[nodiscard]] std::optional<bool> found_listening();
  [[nodiscard]] std::string why_not_found() const;
  [[nodiscard]] std::string how_it_ended() const;
  bool read_more(Clock::time_point deadline);
  std::optional<std::string> read_line(Clock::time_point deadline);

  std::string name_;
  bool speaks_echomux_;
  std::uint16_t port_ = 0;  // that it was told; 0: none
  Endpoint endpoint_;
  bool listens_itself_ = true;
  bool seen_to_listen_ = true;
  bool may_alter_bytes_;
  Pipe input_;                     // its stdin, into which nothing is written
  Pipe output_;                    // of which this end reads its stdout
  std::optional<BoundedLog> log_;  // its stderr, if it is anybody's
  std::string unread_;             // output not yet taken
  std::uint64_t times_asked_ = 0;  // for its counters
  std::map<std::string, std::vector<std::uint64_t>> by_worker_;
  bool workers_untold_ = false;
  std::unique_ptr<SpawnedProcess> process_;
  std::optional<ServerExit> exit_;
};

}  // namespace echomux
