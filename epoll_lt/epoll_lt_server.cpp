#include "epoll_lt/epoll_lt_server.hpp"

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "echo/accept.hpp"
#include "echo/echo_session.hpp"
#include "echo/idle_timer.hpp"
#include "echo/socket.hpp"
#include "echo/stop_event.hpp"
#include "echo/system_call.hpp"

namespace echomux {
namespace {

constexpr std::size_t events_per_wait = 512;

class EpollLtServer {
 public:
  EpollLtServer(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                Counters& counters)
      : listener_(std::move(listener)),
        stop_event_(std::move(stop)),
        max_connections_(options.max_connections),
        idle_timer_(options.idle_timeout),
        counters_(counters) {
    set_nonblocking(listener_.get());
    check(set_interest(EPOLL_CTL_ADD, stop_event_.fd(), EPOLLIN), "epoll_ctl");
    check(set_interest(EPOLL_CTL_ADD, listener_.get(), EPOLLIN), "epoll_ctl");
  }

  // One turn: sleep until something is ready, then give each ready descriptor one go. A peer
  // that isn't finished is reported again in the next turn, so no peer can hog the server.
  void run() {
    std::array<epoll_event, events_per_wait> events{};
    for (;;) {
      // lesson: one-turn
      const int ready = wait(events);
      for (const epoll_event& event : std::span(events).first(static_cast<std::size_t>(ready))) {
        const int fd = event.data.fd;
        if (fd == stop_event_.fd()) return;
        if (fd == listener_.get()) {
          accept_waiting();
        } else {
          // Whatever the event says (EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR), the answer is the
          // same: the next recv or send tells exactly what happened.
          serve_peer(fd);
        }
      }
      // end lesson
      // While accepting is paused nothing announces that descriptors are free again: one may have
      // come free in this very turn, or anywhere in the system. So just ask.
      if (accept_paused_) accept_waiting();
      if (idle_timer_.is_due()) close_idle_peers();
    }
  }

 private:
  // Sleeps until something is ready and returns how many events there are.
  int wait(std::span<epoll_event> events) {
    const int timeout_ms = idle_timer_.wait_ms(open_connections(counters_) > 0, accept_paused_);
    counters_.waits.add();
    const int ready =
        ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout_ms);
    if (ready < 0) {
      if (errno != EINTR) throw_errno("epoll_wait");
      counters_.interrupted.add();
      return 0;
    }
    // The lesson of epoll in one line: what is looked at is what is ready, however many wait.
    counters_.descriptors_scanned.add(static_cast<std::uint64_t>(ready));
    counters_.events.add(static_cast<std::uint64_t>(ready));
    return ready;
  }

  void serve_peer(int fd) {
    std::optional<EchoSession>& session = sessions_[static_cast<std::size_t>(fd)];
    const bool owed = session->owes();
    const Outcome outcome = session->pump({scratch_.get(), scratch_bytes}, counters_);
    if (outcome == Outcome::want_read || (owed && outcome == Outcome::want_write)) {
      counters_.empty_wakeups.add();
    }
    if (outcome == Outcome::closed) {
      session.reset();  // closing a descriptor also takes it out of the epoll set
    } else if (session->owes() != owed) {
      // lesson: interest
      // A level-triggered set must watch for room only while there is something to send: a socket
      // nearly always has room, so EPOLLOUT left on would wake us without end.
      if (set_interest(EPOLL_CTL_MOD, fd, session->owes() ? EPOLLOUT : EPOLLIN) < 0) {
        drop(session);
      }
      // end lesson
    }
  }

  void close_idle_peers() {
    for (std::optional<EchoSession>& session : sessions_) {
      if (session && session->has_gone_idle(counters_)) session.reset();
    }
  }

  // Peers that still wait in the backlog when the budget is spent are reported again
  // (level-triggered).
  void accept_waiting() {
    const AcceptTurn turn =
        accept_peers(listener_.get(), max_connections_, counters_,
                     [this](FileDescriptor socket) { add_peer(std::move(socket)); });
    pause_accepting(turn == AcceptTurn::out_of_resources);
  }

  // lesson: pause-accepting
  // Level-triggered, a listener with a waiting connection that can't be accepted would be reported
  // without end, at 100 % CPU. So it is not watched until accepting works again.
  void pause_accepting(bool pause) {
    if (pause == accept_paused_) return;
    if (set_interest(EPOLL_CTL_MOD, listener_.get(), pause ? 0U : EPOLLIN) < 0) {
      // Still watched, the listener would wake us at once, and so without end until this works.
      if (pause) std::this_thread::sleep_for(std::chrono::milliseconds(10));
      return;
    }
    accept_paused_ = pause;
    if (pause) counters_.accept_pauses.add();
  }
  // end lesson

  void add_peer(FileDescriptor socket) {
    const int fd = socket.get();
    const auto slot = static_cast<std::size_t>(fd);
    try {
      if (slot >= sessions_.size()) sessions_.resize(slot + 1);
    } catch (const std::bad_alloc&) {
      turn_away(counters_, "no memory for another peer");
      return;
    }
    // lesson: register
    sessions_[slot].emplace(std::move(socket));
    // Fails when the user's limit of watches (/proc/sys/fs/epoll/max_user_watches) or memory is
    // used up.
    if (set_interest(EPOLL_CTL_ADD, fd, EPOLLIN) < 0) {
      turn_away(counters_, "epoll_ctl can watch no more");
      sessions_[slot].reset();
    }
    // end lesson
  }

  void drop(std::optional<EchoSession>& session) {
    counters_.peer_errors.add();
    counters_.closed.add();
    session.reset();
  }

  int set_interest(int operation, int fd, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    counters_.interest_changes.add();
    return ::epoll_ctl(epoll_.get(), operation, fd, &event);
  }

  FileDescriptor listener_;
  StopEvent stop_event_;
  std::uint64_t max_connections_;
  IdleTimer idle_timer_;
  Counters& counters_;
  FileDescriptor epoll_{check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")};
  std::vector<std::optional<EchoSession>> sessions_;  // by descriptor: small, dense numbers
  std::unique_ptr<std::byte[]> scratch_ = make_scratch();
  bool accept_paused_ = false;
};

}  // namespace

void serve_epoll_lt(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                    ServerStats& stats) {
  EpollLtServer(std::move(listener), std::move(stop), options, stats.main()).run();
}

}  // namespace echomux
