#pragma once

#include "course/exercise.hpp"

namespace echomux {

// The parts of an epoll server that an exercise isn't about: the wait, the stop request and the
// newcomers. Level-triggered for the listener; how the peers are watched is the exercise's choice.
class EpollLoop {
 public:
  EpollLoop(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
            Counters& counters)
      : listener_(std::move(listener)),
        stop_event_(std::move(stop)),
        max_connections_(options.max_connections),
        counters_(counters) {
    set_nonblocking(listener_.get());
    check(control(EPOLL_CTL_ADD, stop_event_.fd(), EPOLLIN), "epoll_ctl");
    check(control(EPOLL_CTL_ADD, listener_.get(), EPOLLIN), "epoll_ctl");
  }

  // Until a stop is requested, calls `on_peer` with each newcomer's non-blocking socket, and
  // `on_event` with the descriptor and the events of each peer that epoll_wait reports.
  template <typename OnPeer, typename OnEvent>
  void run(OnPeer on_peer, OnEvent on_event) {
    std::array<epoll_event, 64> events{};
    for (;;) {
      for (const epoll_event& event : std::span(events).first(wait(events))) {
        const int fd = event.data.fd;
        if (fd == stop_event_.fd()) return;
        if (fd == listener_.get()) {
          accept_waiting(on_peer);
        } else {
          on_event(fd, std::uint32_t{event.events});
        }
      }
      if (accept_paused_) accept_waiting(on_peer);
    }
  }

  // Watches a peer for these events, from now on or instead of those before.
  void watch(int fd, std::uint32_t events) {
    check(control(EPOLL_CTL_ADD, fd, events), "epoll_ctl");
  }
  void change(int fd, std::uint32_t events) {
    check(control(EPOLL_CTL_MOD, fd, events), "epoll_ctl");
  }

 private:
  std::size_t wait(std::span<epoll_event> events) {
    counters_.waits.add();
    const int ready =
        ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                     accept_paused_ ? static_cast<int>(accept_retry_interval.count()) : -1);
    if (ready < 0 && errno != EINTR) throw_errno("epoll_wait");
    return ready < 0 ? 0 : static_cast<std::size_t>(ready);
  }

  template <typename OnPeer>
  void accept_waiting(OnPeer on_peer) {
    const bool pause = accept_peers(listener_.get(), max_connections_, counters_, on_peer) ==
                       AcceptTurn::out_of_resources;
    if (pause == accept_paused_) return;
    accept_paused_ = pause;
    change(listener_.get(), pause ? 0U : std::uint32_t{EPOLLIN});
    if (pause) counters_.accept_pauses.add();
  }

  int control(int operation, int fd, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    counters_.interest_changes.add();
    return ::epoll_ctl(epoll_.get(), operation, fd, &event);
  }

  FileDescriptor listener_;
  StopEvent stop_event_;
  std::uint64_t max_connections_;
  Counters& counters_;
  FileDescriptor epoll_{check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")};
  bool accept_paused_ = false;
};

}  // namespace echomux
