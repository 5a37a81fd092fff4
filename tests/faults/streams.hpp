#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tests/support/peer.hpp"

namespace echomux {

// One peer of a server that has faults: it sends its bytes, compares what comes back, and notes
// what became of it instead of throwing.
struct Stream {
  enum class Fate : std::uint8_t {
    open,   // still connected
    ended,  // got everything back, and then the server's end of the stream
    lost,   // the server ended or reset the connection before
    gone,   // left by itself, with a reset, as `resets` says
    wrong,  // got bytes that it had not sent, or more than it had
  };

  // A connection that is reset as soon as it is made counts as lost. Throws std::system_error for
  // everything else that keeps it from being made.
  Stream(const Endpoint& server, std::string bytes, const Peer::Buffers& buffers = {});

  // True when there is nothing to do for now.
  [[nodiscard]] bool settled() const noexcept;

  std::optional<Peer> peer;  // as long as it is open
  std::string data;
  std::size_t goal;         // how much of the data is to be echoed for now
  bool ends = false;        // half-closes once all data is sent, and waits for the server's end
  bool reads_late = false;  // reads nothing before it has sent all
  bool resets = false;      // resets the connection when all is sent, without reading
  std::size_t sent = 0;
  std::size_t received = 0;
  bool half_closed = false;
  Fate fate = Fate::open;
};

// Drives all of them at the same time until each is settled. False when nothing has moved for
// `limit` before that.
[[nodiscard]] bool drive(std::span<Stream> streams, std::chrono::milliseconds limit = patience);

// Drives them for that long, whether or not they are settled.
void drive_for(std::span<Stream> streams, std::chrono::milliseconds time);

// How many have come to that.
[[nodiscard]] std::size_t count(std::span<const Stream> streams, Stream::Fate fate);

}  // namespace echomux
