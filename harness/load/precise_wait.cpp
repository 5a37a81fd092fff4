#include "harness/load/precise_wait.hpp"

#include <sys/timerfd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "echo/system_call.hpp"

namespace echomux {
namespace {

timespec timespec_of(std::chrono::nanoseconds time) {
  const auto whole_seconds = std::chrono::floor<std::chrono::seconds>(time);
  return {.tv_sec = whole_seconds.count(), .tv_nsec = (time - whole_seconds).count()};
}

}  // namespace

int PreciseWait::wait(int epoll, std::span<epoll_event> events, std::chrono::nanoseconds limit) {
  if (timer_) return wait_by_timer(epoll, events, limit);
  const timespec timeout = timespec_of(limit);
  const int ready =
      ::epoll_pwait2(epoll, events.data(), static_cast<int>(events.size()), &timeout, nullptr);
  timed_out_ = ready == 0;
  if (ready >= 0 || errno == EINTR) return std::max(ready, 0);
  if (errno != ENOSYS && errno != EPERM) throw_errno("epoll_pwait2");
  timer_.reset(
      check(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), "timerfd_create"));
  epoll_event event{};
  // Each setting is an edge of its own, so nobody needs to read it.
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = timer_index;
  check(::epoll_ctl(epoll, EPOLL_CTL_ADD, timer_.get(), &event), "epoll_ctl");
  return wait_by_timer(epoll, events, limit);
}

int PreciseWait::wait_by_timer(int epoll, std::span<epoll_event> events,
                               std::chrono::nanoseconds limit) {
  itimerspec time{};
  time.it_value = timespec_of(limit);  // zero disarms it, and then nothing is waited for
  check(::timerfd_settime(timer_.get(), 0, &time, nullptr), "timerfd_settime");
  const int ready = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()),
                                 limit.count() > 0 ? -1 : 0);
  timed_out_ = ready == 0;
  if (ready < 0) {
    if (errno != EINTR) throw_errno("epoll_wait");
    return 0;
  }
  const auto came = events.first(static_cast<std::size_t>(ready));
  const auto rest = std::ranges::remove(came, timer_index,
                                        [](const epoll_event& event) { return event.data.u64; });
  timed_out_ = timed_out_ || rest.size() == came.size();
  return ready - static_cast<int>(rest.size());
}

}  // namespace echomux
