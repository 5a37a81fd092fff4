#pragma once

#include <sys/epoll.h>

#include <chrono>
#include <span>

#include "echo/file_descriptor.hpp"

namespace echomux {

// Waits for events of an epoll instance with a time-out in nanoseconds: epoll_pwait2(2), or where
// the kernel is older than Linux 5.11 or a filter refuses that call, epoll_wait(2) with a timer.
// Belongs to the thread that calls it.
class PreciseWait {
 public:
  // What the timer's event has as its data. No other one may.
  static constexpr std::uint64_t timer_index = ~std::uint64_t{0} - 1;

  // The number of events that have come, without the timer's; zero when the time is over, or
  // after EINTR. Throws std::system_error.
  int wait(int epoll, std::span<epoll_event> events, std::chrono::nanoseconds limit);

  // True when the last wait ended because its time was over.
  [[nodiscard]] bool timed_out() const noexcept { return timed_out_; }

 private:
  int wait_by_timer(int epoll, std::span<epoll_event> events, std::chrono::nanoseconds limit);

  FileDescriptor timer_;  // once epoll_pwait2 was refused
  bool timed_out_ = false;
};

}  // namespace echomux
