#pragma once

#include <sys/select.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <utility>

#include "echo/accept.hpp"
#include "echo/backend.hpp"
#include "echo/echo_session.hpp"
#include "echo/socket.hpp"
#include "echo/stop_event.hpp"
#include "echo/system_call.hpp"
#include "gallery/support/peer_table.hpp"

namespace echomux::fd_setsize {

// One thread sleeps in select.
class Broken {
 public:
  Broken(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
         Counters& counters)
      : counters_(counters),
        stop_event_(std::move(stop)),
        listener_(std::move(listener)),
        max_connections_(options.max_connections) {
    set_nonblocking(listener_.get());
    watch(stop_event_.fd());
    watch(listener_.get());
  }
  virtual ~Broken() = default;
  Broken(const Broken&) = delete;
  Broken& operator=(const Broken&) = delete;

  void run() {
    for (;;) {
      wait();
      if (FD_ISSET(stop_event_.fd(), &readable_)) return;
      for (int fd = 0; fd < peers_.end(); ++fd) {
        if (peers_.find(fd) == nullptr) continue;
        if (FD_ISSET(fd, &readable_) || FD_ISSET(fd, &writable_)) serve_peer(fd);
      }
      if (FD_ISSET(listener_.get(), &readable_) || accept_paused_) accept_waiting();
    }
  }

 protected:
  void wait() {
    readable_ = want_input_;
    writable_ = want_room_;
    timeval retry{.tv_sec = 0, .tv_usec = std::chrono::microseconds(accept_retry_interval).count()};
    counters_.waits.add();
    counters_.descriptors_scanned.add(static_cast<std::uint64_t>(watched_end_));
    const int ready =
        ::select(watched_end_, &readable_, &writable_, nullptr, accept_paused_ ? &retry : nullptr);
    if (ready >= 0) return counters_.events.add(static_cast<std::uint64_t>(ready));
    if (errno != EINTR) throw_errno("select");
    counters_.interrupted.add();
    FD_ZERO(&readable_);
    FD_ZERO(&writable_);
  }

  void serve_peer(int fd) {
    EchoSession& session = *peers_.find(fd);
    const Outcome outcome = session.pump({scratch_.get(), scratch_bytes}, counters_);
    FD_CLR(fd, &want_input_);
    FD_CLR(fd, &want_room_);
    if (outcome == Outcome::closed) return peers_.remove(fd);
    FD_SET(fd, session.owes() ? &want_room_ : &want_input_);
  }

  void accept_waiting() {
    const AcceptTurn turn =
        accept_peers(listener_.get(), max_connections_, counters_,
                     [this](FileDescriptor socket) { add_peer(std::move(socket)); });
    const bool pause = turn == AcceptTurn::out_of_resources;
    if (pause && !accept_paused_) counters_.accept_pauses.add();
    accept_paused_ = pause;
    // A listener with someone who can't be accepted stays ready: watching it would spin.
    if (pause) {
      FD_CLR(listener_.get(), &want_input_);
    } else {
      FD_SET(listener_.get(), &want_input_);
    }
  }

  // lesson: bug
  virtual void add_peer(FileDescriptor socket) {
    const int fd = socket.get();
    if (peers_.add(std::move(socket)) == nullptr) {
      turn_away(counters_, "no memory for another peer");
    } else {
      watch(fd);
    }
  }
  // end lesson

  // lesson: watch
  void watch(int fd) {
    FD_SET(fd, &want_input_);
    watched_end_ = std::max(watched_end_, fd + 1);
  }
  // end lesson

  Counters& counters_;
  StopEvent stop_event_;
  FileDescriptor listener_;
  std::uint64_t max_connections_;
  fd_set want_input_{};  // whom to watch for input, and whom for room to send
  fd_set want_room_{};
  fd_set readable_{};  // select's answer to the two above
  fd_set writable_{};
  int watched_end_ = 0;
  PeerTable<EchoSession> peers_;
  std::unique_ptr<std::byte[]> scratch_ = make_scratch();
  bool accept_paused_ = false;
};

}  // namespace echomux::fd_setsize
