#include "busy_poll/busy_poll_server.hpp"

#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "echo/accept.hpp"
#include "echo/echo_session.hpp"
#include "echo/socket.hpp"

namespace echomux {
namespace {

class BusyPollServer {
 public:
  BusyPollServer(FileDescriptor listener, std::stop_token stop, Counters& counters)
      : listener_(std::move(listener)), stop_(std::move(stop)), counters_(counters) {
    set_nonblocking(listener_.get());
  }

  // One turn: ask the listener and every peer. Nothing in here ever sleeps, and so there is nothing
  // that a stop request would have to interrupt: the token is simply asked, too.
  void run() {
    while (!stop_.stop_requested()) {
      accept_waiting();
      serve_peers();
    }
  }

 private:
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
      std::swap(sessions_[i], sessions_.back());  // the last peer takes this place: ask it next
      sessions_.pop_back();
    }
  }

  // Out of descriptors the others must pause, or they would spin. This one spins by design: it
  // tries again in the next turn, which comes at once.
  void accept_waiting() {
    const AcceptTurn turn = accept_peers(
        listener_.get(), counters_, [this](FileDescriptor socket) { add_peer(std::move(socket)); });
    const bool shortage = turn == AcceptTurn::out_of_resources;
    if (shortage && !accept_shortage_) counters_.accept_pauses.add();
    accept_shortage_ = shortage;
  }

  void add_peer(FileDescriptor socket) {
    try {
      sessions_.emplace_back(std::move(socket));
    } catch (const std::bad_alloc&) {
      counters_.turned_away.add();
    }
  }

  FileDescriptor listener_;
  std::stop_token stop_;
  Counters& counters_;
  std::vector<EchoSession> sessions_;  // dense: order means nothing here
  std::unique_ptr<std::byte[]> scratch_ = make_scratch();
  bool accept_shortage_ = false;  // so that each is counted once
};

}  // namespace

void serve_busy_poll(FileDescriptor listener, std::stop_token stop,
                     const ServerOptions& /*options*/, ServerStats& stats) {
  BusyPollServer(std::move(listener), std::move(stop), stats.main()).run();
}

}  // namespace echomux
