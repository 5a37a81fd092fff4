#pragma once

#include <chrono>
#include <cstdint>
#include <utility>

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

inline constexpr const char* too_many_connections = "--max-connections are open";

enum class SocketMode { blocking, nonblocking };

// Calls accept4(2) once and says what its result means for the loop; never throws. Blocks if the
// listener does.
[[nodiscard]] AcceptResult accept_peer(int listener, SocketMode mode, Counters& counters) noexcept;

// Counts a newcomer that the caller closes because there is no place for it. The first time for
// each reason it also says why, in words, on stderr: only then, since a flood must not fill a log.
// Each thread that accepts has its own first time.
// `why` is a string literal.
void turn_away(Counters& counters, const char* why) noexcept;

// What a turn of accepting leaves behind.
enum class AcceptTurn {
  drained,           // nobody waits any more
  budget_spent,      // more may wait, but the peers' turn has come
  out_of_resources,  // somebody waits, and can't be accepted now
};

// Accepts from a non-blocking listener until nobody waits, accept_budget is spent or resources run
// out, and calls `add_peer` with each new peer's non-blocking socket. While `max_connections` are
// open, newcomers are closed at once and counted: left in the backlog they would seem connected,
// and keep the listener ready, which a server that waits for it can't have.
template <typename AddPeer>
[[nodiscard]] AcceptTurn accept_peers(int listener, std::uint64_t max_connections,
                                      Counters& counters, AddPeer add_peer) {
  // lesson: accept-peers
  for (int i = 0; i < accept_budget; ++i) {
    AcceptResult result = accept_peer(listener, SocketMode::nonblocking, counters);
    switch (result.status) {
      case AcceptStatus::accepted:
        // It is counted as open already.
        if (open_connections(counters) > max_connections) {
          turn_away(counters, too_many_connections);
        } else {
          add_peer(std::move(result.socket));
        }
        break;
      case AcceptStatus::try_again:
        break;
      case AcceptStatus::none_waiting:
        return AcceptTurn::drained;
      case AcceptStatus::out_of_resources:
        return AcceptTurn::out_of_resources;
    }
  }
  // end lesson
  return AcceptTurn::budget_spent;
}

}  // namespace echomux
