#pragma once

#include <algorithm>
#include <chrono>

#include "echo/accept.hpp"

namespace echomux {

// The idle time-out is kept without a note of the time for each peer: every session is looked at
// four times in that time, and one in which nothing has moved from one look to the fifth after it
// has been idle for at least all of it, and at most a quarter longer. So what a peer does costs
// nothing extra, and what the looks cost doesn't depend on how much the peers do.
inline constexpr int looks_per_idle_timeout = 4;

// The time from one look to the next. Rounded up, so that no peer is closed too early.
[[nodiscard]] constexpr std::chrono::nanoseconds time_between_looks(
    std::chrono::nanoseconds idle_timeout) noexcept {
  return (idle_timeout + std::chrono::nanoseconds(looks_per_idle_timeout - 1)) /
         looks_per_idle_timeout;
}

// Tells a server that waits for many peers in one call when to look at them all. With a time-out of
// 0 there is none: then it never reads the clock. Not for sharing between threads.
class IdleTimer {
 public:
  explicit IdleTimer(std::chrono::nanoseconds idle_timeout) noexcept
      : between_looks_(time_between_looks(idle_timeout)) {}

  // How long a wait call may sleep, in milliseconds as poll(2) takes them: until the next look,
  // counted from the last call of is_due(); and while accepting is paused, until it is to be tried
  // again. For ever (-1), if there is nobody to look at, or no time-out, and accepting goes on.
  [[nodiscard]] int wait_ms(bool any_peers, bool accept_paused) const noexcept {
    const int retry = accept_paused ? static_cast<int>(accept_retry_interval.count()) : -1;
    if (!enabled() || !any_peers) return retry;
    // Rounded up: a wait that ends a little too early would be repeated with 0, and so would spin.
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(next_look_ - now_);
    const int look = static_cast<int>(std::max(wait, std::chrono::milliseconds(0)).count());
    return accept_paused ? std::min(look, retry) : look;
  }

  // Whether it is time to look. To be asked once in each turn of the loop, after all that is ready
  // has been served; what it costs is to read the clock.
  [[nodiscard]] bool is_due() noexcept {
    if (!enabled()) return false;
    now_ = Clock::now();
    if (now_ < next_look_) return false;
    next_look_ = now_ + between_looks_;
    return true;
  }

 private:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] bool enabled() const noexcept { return between_looks_.count() > 0; }

  std::chrono::nanoseconds between_looks_;
  Clock::time_point now_{};        // as of the last is_due()
  Clock::time_point next_look_{};  // at the first chance
};

}  // namespace echomux
