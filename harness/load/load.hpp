#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>
#include <vector>

#include "echo/socket.hpp"

namespace echomux {

class Json;

// When the messages of an open loop are due.
enum class Arrivals : std::uint8_t {
  uniform,  // message k at start + k / rate
  poisson,  // independently of each other, as from many users who know nothing of one another
};
[[nodiscard]] std::string_view to_string(Arrivals arrivals) noexcept;
// Throws std::invalid_argument for what is none of them.
[[nodiscard]] Arrivals arrivals_from(std::string_view text);

// What can be asked of a server.
struct Load {
  std::size_t idle_connections = 0;     // opened, confirmed by one echo each, then silent
  std::size_t active_connections = 10;  // exchange messages
  std::size_t message_bytes = 64;
  std::size_t pipeline = 1;  // messages that an active connection has outstanding at most
  // In all, over the active connections: messages are due when the schedule says so, whatever the
  // server does (open loop). Zero: each connection sends as soon as an echo is back (closed loop).
  double requests_per_second = 0;
  Arrivals arrivals = Arrivals::uniform;
  std::uint64_t seed = 1;  // of random arrivals
  std::chrono::nanoseconds warmup = std::chrono::milliseconds(200);
  std::chrono::nanoseconds duration = std::chrono::seconds(1);
  // An answer that takes longer counts as timed out. With no progress for this long the server
  // counts as starving its peers, and the run ends.
  std::chrono::nanoseconds timeout = std::chrono::seconds(2);
  std::size_t threads = 1;            // that share the connections between them
  double connections_per_second = 0;  // opened at most this fast; zero: as fast as they confirm
  // The addresses to connect from, in turn, any port. None: the system's choice, and further
  // addresses of the loopback network when one has no ports left.
  std::vector<Endpoint> sources;
  bool confirm_idle = true;  // false: an idle connection counts once the kernel has connected it
  bool reconnect = false;    // a new connection for every message, one outstanding at most

  [[nodiscard]] std::size_t connections() const noexcept {
    return idle_connections + active_connections;
  }
};

// One object with every field, times in seconds; and back. A field that is missing has its default.
// Throws std::exception for what can't be a load.
[[nodiscard]] Json to_json(const Load& load);
[[nodiscard]] Load load_from(const Json& json);

}  // namespace echomux
