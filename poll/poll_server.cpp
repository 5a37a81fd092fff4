#include "poll/poll_server.hpp"

#include <poll.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <memory>
#include <new>
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

// The first entries of the watched list; the peers' come after them.
constexpr std::size_t stop_entry = 0;
constexpr std::size_t listener_entry = 1;
constexpr std::size_t first_peer_entry = 2;

// poll(2) skips an entry with a negative descriptor: the cheapest way not to watch something.
constexpr int not_watched = -1;

class PollServer {
 public:
  PollServer(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
             Counters& counters)
      : listener_(std::move(listener)),
        stop_(std::move(stop)),
        stop_event_(stop_),
        max_connections_(options.max_connections),
        idle_timer_(options.idle_timeout),
        counters_(counters) {
    set_nonblocking(listener_.get());
    watched_.push_back({.fd = stop_event_.fd(), .events = POLLIN, .revents = 0});
    watched_.push_back({.fd = listener_.get(), .events = POLLIN, .revents = 0});
  }

  // One turn: hand the whole list to the kernel, sleep until something in it is ready, then look
  // through the whole list for it.
  void run() {
    while (!stop_.stop_requested()) {
      serve_ready_peers(wait());
      // Last, so that the peers' entries don't shift under the scan. While accepting is paused
      // nothing announces that descriptors are free again, so just ask.
      if (watched_[listener_entry].revents != 0 || accept_paused_) accept_waiting();
      if (idle_timer_.is_due()) close_idle_peers();
    }
  }

 private:
  // Sleeps until something is ready and returns how many entries are.
  std::size_t wait() {
    const int timeout_ms = idle_timer_.wait_ms(!sessions_.empty(), accept_paused_);
    counters_.waits.add();
    // lesson: list
    // The lesson of poll in one line: every watched descriptor is examined at every call.
    counters_.descriptors_scanned.add(watched_.size());
    const int ready = ::poll(watched_.data(), watched_.size(), timeout_ms);
    // end lesson
    if (ready < 0) return recover_from_failed_wait();
    counters_.events.add(static_cast<std::uint64_t>(ready));
    return static_cast<std::size_t>(ready);
  }

  std::size_t recover_from_failed_wait() {
    if (errno == EINTR) {
      counters_.interrupted.add();
      for (pollfd& entry : watched_) entry.revents = 0;
      return 0;
    }
    // ENOMEM, and EINVAL when RLIMIT_NOFILE was lowered below what is watched. The kernel can't
    // tell who is ready, so until it can, everyone is asked after a short rest.
    if (errno != ENOMEM && errno != EINVAL) throw_errno("poll");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    for (pollfd& entry : watched_) entry.revents = entry.events;
    watched_[stop_entry].revents = 0;  // the loop asks the token itself
    return watched_.size() - 1;
  }

  void serve_ready_peers(std::size_t ready) {
    // lesson: scan
    // The kernel says how many are ready, but not which: stop as soon as all have been found.
    if (watched_[stop_entry].revents != 0) return;
    if (watched_[listener_entry].revents != 0) --ready;
    std::size_t entry = first_peer_entry;
    while (ready > 0 && entry < watched_.size() && !stop_.stop_requested()) {
      if (watched_[entry].revents == 0) {
        ++entry;
        continue;
      }
      --ready;
      // POLLIN, POLLOUT, POLLHUP or POLLERR: the next recv or send tells exactly what happened.
      if (serve_peer(entry)) {
        ++entry;
      } else {
        remove_peer(entry);  // another peer takes this entry: look at it again
      }
    }
    // end lesson
  }

  // Gives one peer one go; false when it is to be removed.
  bool serve_peer(std::size_t entry) {
    EchoSession& session = sessions_[entry - first_peer_entry];
    const bool owed = session.owes();
    const Outcome outcome = session.pump({scratch_.get(), scratch_bytes}, counters_);
    if (outcome == Outcome::want_read || (owed && outcome == Outcome::want_write)) {
      counters_.empty_wakeups.add();
    }
    // lesson: interest
    // Level-triggered: watch for room only while there is something to send, because a socket
    // nearly always has room. Unlike epoll's, this change costs no system call.
    watched_[entry].events = session.owes() ? POLLOUT : POLLIN;
    // end lesson
    return outcome != Outcome::closed;
  }

  void close_idle_peers() {
    // Backwards: the peer that takes the place of one who is removed has been looked at.
    for (std::size_t i = sessions_.size(); i-- > 0;) {
      if (sessions_[i].has_gone_idle(counters_)) remove_peer(first_peer_entry + i);
    }
  }

  // lesson: compaction
  // Keeps the list dense, for poll pays for every entry: the last peer moves into the gap.
  void remove_peer(std::size_t entry) {
    std::swap(watched_[entry], watched_.back());
    std::swap(sessions_[entry - first_peer_entry], sessions_.back());
    watched_.pop_back();
    sessions_.pop_back();
  }
  // end lesson

  // Peers that still wait in the backlog when the budget is spent are reported again
  // (level-triggered).
  void accept_waiting() {
    const AcceptTurn turn =
        accept_peers(listener_.get(), max_connections_, counters_,
                     [this](FileDescriptor socket) { add_peer(std::move(socket)); });
    pause_accepting(turn == AcceptTurn::out_of_resources);
  }

  // lesson: pause-accepting
  // A listener with a waiting connection that can't be accepted stays ready without end, and
  // watching it would spin at 100 % CPU.
  void pause_accepting(bool pause) {
    if (pause && !accept_paused_) counters_.accept_pauses.add();
    accept_paused_ = pause;
    watched_[listener_entry].fd = pause ? not_watched : listener_.get();
  }
  // end lesson

  void add_peer(FileDescriptor socket) {
    try {
      watched_.push_back({.fd = socket.get(), .events = POLLIN, .revents = 0});
      sessions_.emplace_back(std::move(socket));
    } catch (const std::bad_alloc&) {
      watched_.resize(first_peer_entry + sessions_.size());
      turn_away(counters_, "no memory for another peer");
    }
  }

  FileDescriptor listener_;
  std::stop_token stop_;
  StopEvent stop_event_;
  std::uint64_t max_connections_;
  IdleTimer idle_timer_;
  Counters& counters_;
  // Entry i of the list and session i - first_peer_entry belong together.
  std::vector<pollfd> watched_;
  std::vector<EchoSession> sessions_;
  std::unique_ptr<std::byte[]> scratch_ = make_scratch();
  bool accept_paused_ = false;
};

}  // namespace

void serve_poll(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                ServerStats& stats) {
  PollServer(std::move(listener), std::move(stop), options, stats.main()).run();
}

}  // namespace echomux
