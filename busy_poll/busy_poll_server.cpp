#include "busy_poll/busy_poll_server.hpp"

#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "echo/accept.hpp"
#include "echo/echo_session.hpp"
#include "echo/idle_timer.hpp"
#include "echo/socket.hpp"

namespace echomux {
namespace {

class BusyPollServer {
 public:
  BusyPollServer(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                 Counters& counters)
      : listener_(std::move(listener)),
        stop_(std::move(stop)),
        max_connections_(options.max_connections),
        idle_timer_(options.idle_timeout),
        counters_(counters) {
    set_nonblocking(listener_.get());
  }

  // One turn: ask the listener and every peer. Nothing in here ever sleeps, and so there is nothing
  // that a stop request would have to interrupt: the token is simply asked, too.
  void run() {
    // lesson: never-sleep
    while (!stop_.stop_requested()) {
      accept_waiting();
      serve_peers();
      if (idle_timer_.is_due()) close_idle_peers();
    }
    // end lesson
  }

 private:
  // lesson: ask-everyone
  // Nobody says who is ready: each peer gets one go, which mostly ends in EAGAIN. That is the whole
  // idea, and its whole cost: one system call per peer per turn, whether or not anything happened.
  void serve_peers() {
    counters_.descriptors_scanned.add(sessions_.size());
    std::size_t i = 0;
    while (i < sessions_.size() && !stop_.stop_requested()) {
      if (sessions_[i].pump({scratch_.get(), scratch_bytes}, counters_) != Outcome::closed) {
        ++i;
        continue;
      }
      remove_peer(i);  // another peer takes this place: ask it next
    }
  }
  // end lesson

  void close_idle_peers() {
    // Backwards: the peer that takes the place of one who is removed has been looked at.
    for (std::size_t i = sessions_.size(); i-- > 0;) {
      if (sessions_[i].has_gone_idle(counters_)) remove_peer(i);
    }
  }

  void remove_peer(std::size_t i) {
    std::swap(sessions_[i], sessions_.back());
    sessions_.pop_back();
  }

  // Out of descriptors the others must pause, or they would spin. This one spins by design: it
  // tries again in the next turn, which comes at once.
  void accept_waiting() {
    const AcceptTurn turn =
        accept_peers(listener_.get(), max_connections_, counters_,
                     [this](FileDescriptor socket) { add_peer(std::move(socket)); });
    const bool shortage = turn == AcceptTurn::out_of_resources;
    if (shortage && !accept_shortage_) counters_.accept_pauses.add();
    accept_shortage_ = shortage;
  }

  void add_peer(FileDescriptor socket) {
    try {
      sessions_.emplace_back(std::move(socket));
    } catch (const std::bad_alloc&) {
      turn_away(counters_, "no memory for another peer");
    }
  }

  FileDescriptor listener_;
  std::stop_token stop_;
  std::uint64_t max_connections_;
  IdleTimer idle_timer_;
  Counters& counters_;
  std::vector<EchoSession> sessions_;  // dense: order means nothing here
  std::unique_ptr<std::byte[]> scratch_ = make_scratch();
  bool accept_shortage_ = false;  // so that each is counted once
};

}  // namespace

void serve_busy_poll(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                     ServerStats& stats) {
  BusyPollServer(std::move(listener), std::move(stop), options, stats.main()).run();
}

}  // namespace echomux
