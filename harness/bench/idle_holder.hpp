#pragma once

#include <stop_token>
#include <string>
#include <string_view>

#include "harness/load/load_report.hpp"
#include "harness/machine/spawned_process.hpp"

namespace echomux {

// What `echomux swarm --hold` says first when all connections are open.
inline constexpr std::string_view all_open = "all open";

// Holds the idle connections of a load in a process of its own, since a process may have only so
// many descriptors: `echomux swarm ADDRESS --idle N --hold`. Its process gets SIGKILL when the
// thread that made it ends.
class IdleHolder {
 public:
  // Starts opening them. Throws std::runtime_error when the program can't be run.
  IdleHolder(const Endpoint& server, const Load& load);

  // Waits until all are open. False when they can't be, or when a stop is requested meanwhile.
  // close() tells why.
  [[nodiscard]] bool open(const std::stop_token& stop);
  // Has it end, wherever it is, without waiting for it. What it held is closed all the same.
  void give_up() noexcept;
  [[nodiscard]] pid_t pid() const noexcept { return process_.pid(); }
  // Closes them, and returns what became of them; there is no active connection among them. Throws
  // std::runtime_error when the process has ended without a word.
  [[nodiscard]] LoadReport close();

 private:
  Pipe input_;   // of which this end says, by closing, that it is enough
  Pipe output_;  // of which this end reads what the process says
  Pipe errors_;
  std::string unread_;
  SpawnedProcess process_;
};

}  // namespace echomux
