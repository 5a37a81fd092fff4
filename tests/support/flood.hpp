#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <thread>
#include <vector>

#include "echo/socket.hpp"
#include "tests/support/peer.hpp"

namespace echomux {

// Peers that send as fast as they can, and read what comes back as fast as they can, each in a
// thread of its own for as long as this object lives. They neither make nor look at the bytes, and
// so are faster than any server that has to copy them: there is always more than it has read.
class Flood {
 public:
  Flood(const Endpoint& server, std::size_t peers);

  // How many bytes have come back so far.
  [[nodiscard]] std::uint64_t echoed_bytes() const noexcept { return echoed_bytes_; }
  // Whether the server, by ending or harming a connection, has ended the flood.
  [[nodiscard]] bool broken() const noexcept { return broken_; }

 private:
  void run(const Peer& peer, const std::stop_token& stop);

  FileDescriptor water_;  // a file in memory, to send from without copying
  std::vector<Peer> peers_;
  std::atomic<std::uint64_t> echoed_bytes_ = 0;
  std::atomic<bool> broken_ = false;
  std::vector<std::jthread> threads_;  // last, so that they end before what they use
};

}  // namespace echomux
