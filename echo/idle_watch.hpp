#pragma once

#include <cstdint>

#include "echo/server_stats.hpp"

namespace echomux {

// Whether a peer has moved nothing for the idle time-out: for a server that asks at every look of
// its IdleTimer (echo/idle_timer.hpp). A peer moves as long as it sends, or takes what is sent to
// it, however slowly: its system tells when there is room for a further segment (RFC
// 9293, 3.8.6.2.2), so that who reads less than one in that time, 64 KB on the loopback network
// and 1.4 KB elsewhere, can't be told from who doesn't read. That this server has not come round to
// it yet is held against nobody. Four bytes for each peer.
class IdleWatch {
 public:
  // Bytes came from the peer, or could be sent to it.
  void moved() noexcept { quiet_looks_ = 0; }

  // Whether nothing has moved since the fifth look before this one. Then the end of the connection
  // is counted, and its socket is to be closed. `owes`: something received is still to be sent.
  [[nodiscard]] bool has_gone_idle(int socket, bool owes, Counters& counters) noexcept;

 private:
  bool moves_unseen(int socket, bool owes) noexcept;

  // How many looks in a row found that nothing had moved; and how many bytes the peer had not
  // acknowledged at the last of them, modulo 2^24.
  std::uint32_t quiet_looks_ : 8 = 0;
  std::uint32_t unacknowledged_ : 24 = 0;
};

}  // namespace echomux
