#pragma once

#include <chrono>

#include "echo/file_descriptor.hpp"
#include "echo/server_stats.hpp"

namespace echomux {

enum class AcceptStatus {
  accepted,          // `socket` is the new peer's
  none_waiting,      // EAGAIN: the backlog is empty
  try_again,         // that one connection failed, or a signal came: the next call may succeed
  out_of_resources,  // no descriptor or memory to be had: try again when one may have come free
};

struct AcceptResult {
  AcceptStatus status;
  FileDescriptor socket;
};

// How long a server out of descriptors waits at most before it tries to accept again. They may
// come free elsewhere in the system, of which nothing tells it.
inline constexpr std::chrono::milliseconds accept_retry_interval{100};

// How many connections a server takes per turn of its loop, so that a flood of them can't keep it
// from the peers it already has.
inline constexpr int accept_budget = 256;

enum class SocketMode { blocking, nonblocking };

// Calls accept4(2) once and says what its result means for the loop; never throws. Blocks if the
// listener does.
[[nodiscard]] AcceptResult accept_peer(int listener, SocketMode mode, Counters& counters) noexcept;

}  // namespace echomux
