#pragma once

#include <chrono>
#include <cstdint>
#include <thread>
#include <utility>

#include "echo/accept.hpp"
#include "echo/socket.hpp"
#include "gallery/support/epoll_set.hpp"

namespace echomux {

// The listening socket of an exhibit. It is level-triggered unless told otherwise, and not watched
// while descriptors have run out (see epoll_lt). References must outlive it.
class Listener {
 public:
  // Throws std::system_error when it can't be watched.
  Listener(FileDescriptor socket, std::uint64_t max_connections, EpollSet& epoll,
           Counters& counters, std::uint32_t events = EPOLLIN)
      : socket_(std::move(socket)),
        max_connections_(max_connections),
        epoll_(epoll),
        counters_(counters),
        events_(events) {
    set_nonblocking(socket_.get());
    check(epoll_.add(socket_.get(), events_), "epoll_ctl");
  }

  [[nodiscard]] int fd() const noexcept { return socket_.get(); }

  // Descriptors have run out, and nothing announces that some came free: call accept_waiting()
  // again after this time at the latest, which is -1 otherwise.
  [[nodiscard]] int retry_ms() const noexcept {
    return paused_ ? static_cast<int>(accept_retry_interval.count()) : -1;
  }
  [[nodiscard]] bool is_paused() const noexcept { return paused_; }

  // Accepts one peer and calls `add_peer` with its socket, if one waits and has a place. Stops
  // watching when descriptors have run out.
  template <typename AddPeer>
  AcceptStatus accept_one(SocketMode mode, AddPeer add_peer) {
    AcceptResult result = accept_peer(socket_.get(), mode, counters_);
    if (result.status != AcceptStatus::accepted) {
      pause(result.status == AcceptStatus::out_of_resources);
    } else if (open_connections(counters_) > max_connections_) {
      turn_away(counters_, too_many_connections);
    } else {
      add_peer(std::move(result.socket));
    }
    return result.status;
  }

  // Calls `add_peer` with the non-blocking socket of each peer that waits.
  template <typename AddPeer>
  AcceptTurn accept_waiting(AddPeer add_peer) {
    const AcceptTurn turn = accept_without_pause(std::move(add_peer));
    pause(turn == AcceptTurn::out_of_resources);
    return turn;
  }

  // The same, and goes on watching whatever comes of it.
  template <typename AddPeer>
  AcceptTurn accept_without_pause(AddPeer add_peer) {
    return accept_peers(socket_.get(), max_connections_, counters_, std::move(add_peer));
  }

  // Stops watching, or watches again; what accept_waiting() does by itself.
  void pause(bool wanted) {
    if (wanted == paused_) return;
    if (epoll_.modify(socket_.get(), wanted ? 0U : events_) < 0) {
      // Still watched, the listener would wake us at once, and so without end until this works.
      if (wanted) std::this_thread::sleep_for(std::chrono::milliseconds(10));
      return;
    }
    paused_ = wanted;
    if (wanted) counters_.accept_pauses.add();
  }

 private:
  FileDescriptor socket_;
  std::uint64_t max_connections_;
  EpollSet& epoll_;
  Counters& counters_;
  std::uint32_t events_;
  bool paused_ = false;
};

}  // namespace echomux
