#include "echo/idle_watch.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "echo/idle_timer.hpp"

namespace echomux {

bool IdleWatch::has_gone_idle(int socket, bool owes, Counters& counters) noexcept {
  if (moves_unseen(socket, owes)) quiet_looks_ = 0;
  // The first look finds only that there is something to measure from.
  ++quiet_looks_;
  if (quiet_looks_ <= looks_per_idle_timeout) return false;
  counters.closed.add();
  counters.idle_closed.add();
  if (owes) {
    // The echo will never be complete. A reset says so, where an orderly end would belie it; and it
    // frees what the kernel holds for this peer, which otherwise it keeps for minutes.
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    static_cast<void>(::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once));
  }
  return true;
}

// What moves between the peer and our kernel, and has not come as far as this program.
bool IdleWatch::moves_unseen(int socket, bool owes) noexcept {
  // What was sent may lie in the kernel's buffer, which holds megabytes, whether or not more is
  // pending here. A peer that reads it slowly shows only in what it has acknowledged.
  int bytes = 0;
  if (::ioctl(socket, SIOCOUTQ, &bytes) < 0) return false;
  const std::uint32_t before = unacknowledged_;
  unacknowledged_ = static_cast<std::uint32_t>(bytes) & 0xff'ffffU;
  if (unacknowledged_ != before) return true;
  // Input that waits for this server, which has had too much to do, or was stopped.
  return !owes && quiet_looks_ == looks_per_idle_timeout && ::ioctl(socket, SIOCINQ, &bytes) == 0 &&
         bytes > 0;
}

}  // namespace echomux
