#pragma once

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>

#include "echo/file_descriptor.hpp"
#include "echo/server_stats.hpp"
#include "echo/system_call.hpp"

namespace echomux {

// epoll(7) for the exhibits: three calls, counted. Not for sharing between threads.
class EpollSet {
 public:
  // Throws std::system_error when there is no descriptor to be had.
  explicit EpollSet(Counters& counters) : counters_(counters) {}

  // epoll_ctl(2) with EPOLL_CTL_ADD, EPOLL_CTL_MOD and EPOLL_CTL_DEL; -1 and errno when it fails.
  // The descriptor comes back with each event. Closing it takes it out of the set, too.
  int add(int fd, std::uint32_t events) noexcept { return control(EPOLL_CTL_ADD, fd, events); }
  int modify(int fd, std::uint32_t events) noexcept { return control(EPOLL_CTL_MOD, fd, events); }
  int remove(int fd) noexcept { return control(EPOLL_CTL_DEL, fd, 0); }

  // epoll_wait(2): sleeps until something is ready or the time is over (-1: never), and returns the
  // events, none after a signal. They are valid until the next call. Throws std::system_error.
  std::span<const epoll_event> wait(int timeout_ms) {
    counters_.waits.add();
    const int ready =
        ::epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()), timeout_ms);
    if (ready < 0) {
      if (errno != EINTR) throw_errno("epoll_wait");
      counters_.interrupted.add();
      return {};
    }
    const auto count = static_cast<std::size_t>(ready);
    counters_.descriptors_scanned.add(count);
    counters_.events.add(count);
    return std::span(events_).first(count);
  }

 private:
  int control(int operation, int fd, std::uint32_t events) noexcept {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    counters_.interest_changes.add();
    return ::epoll_ctl(epoll_.get(), operation, fd, &event);
  }

  Counters& counters_;
  FileDescriptor epoll_{check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")};
  std::array<epoll_event, 64> events_{};
};

}  // namespace echomux
