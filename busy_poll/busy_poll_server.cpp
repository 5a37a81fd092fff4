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
      accept_peers();
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

  void accept_peers() {
    for (int i = 0; i < accept_budget; ++i) {
      AcceptResult result = accept_peer(listener_.get(), SocketMode::nonblocking, counters_);
      switch (result.status) {
        case AcceptStatus::accepted:
          add_peer(std::move(result.socket));
          break;
        case AcceptStatus::try_again:
          break;
        case AcceptStatus::none_waiting:
          accept_paused_ = false;
          return;
        case AcceptStatus::out_of_resources:
          // Elsewhere this needs a pause, or the server would spin. This one spins by design: it
          // tries again in the next turn, which comes at once.
          if (!accept_paused_) counters_.accept_pauses.add();
          accept_paused_ = true;
          return;
      }
    }
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
  bool accept_paused_ = false;  // only so that each shortage is counted once
};

}  // namespace

void serve_busy_poll(FileDescriptor listener, std::stop_token stop,
                     const ServerOptions& /*options*/, ServerStats& stats) {
  BusyPollServer(std::move(listener), std::move(stop), stats.main()).run();
}

}  // namespace echomux
