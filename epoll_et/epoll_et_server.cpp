#include "epoll_et/epoll_et_server.hpp"

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <span>
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
// How many times a peer is pumped per turn before the others get theirs.
constexpr int pumps_per_turn = 4;
// After which of a peer's events a read may end early though more is there.
constexpr std::uint32_t ends_a_read_early = EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI;

class EpollEtServer {
 public:
  EpollEtServer(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                Counters& counters)
      : listener_(std::move(listener)),
        stop_(std::move(stop)),
        stop_event_(stop_),
        max_connections_(options.max_connections),
        idle_timer_(options.idle_timeout),
        counters_(counters) {
    set_nonblocking(listener_.get());
    check(watch(stop_event_.fd(), EPOLLIN), "epoll_ctl");
    check(watch(listener_.get(), EPOLLIN | EPOLLET), "epoll_ctl");
  }

  // One turn: note whom the kernel reports, then go on with everyone who is not finished. An edge
  // is reported once, so from then on it is this server that has to remember.
  void run() {
    while (!stop_.stop_requested()) {
      note_events();
      if (accept_more_ || accept_paused_) accept_waiting();
      go_on_with_peers();
      if (idle_timer_.is_due()) close_idle_peers();
    }
  }

 private:
  struct Peer {
    EchoSession session;
    bool queued = false;          // stands in unfinished_
    bool reported = false;        // by an event, since it was last driven
    bool read_to_eagain = false;  // an event since the last EAGAIN had one of ends_a_read_early
  };

  void note_events() {
    std::array<epoll_event, events_per_wait> events;
    counters_.waits.add();
    const int ready =
        ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout_ms());
    if (ready < 0) {
      if (errno != EINTR) throw_errno("epoll_wait");
      counters_.interrupted.add();
      return;
    }
    counters_.descriptors_scanned.add(static_cast<std::uint64_t>(ready));
    counters_.events.add(static_cast<std::uint64_t>(ready));
    // lesson: note-events
    for (const epoll_event& event : std::span(events).first(static_cast<std::size_t>(ready))) {
      if (event.data.fd == listener_.get()) {
        accept_more_ = true;
      } else if (event.data.fd != stop_event_.fd()) {
        enqueue(event);
      }
    }
    // end lesson
  }

  // lesson: may-sleep
  // Sleeping is allowed only when nobody is left to go on with, because no further edge announces
  // them.
  int timeout_ms() const {
    if (accept_more_ || !unfinished_.empty()) return 0;
    return idle_timer_.wait_ms(open_connections(counters_) > 0, accept_paused_);
  }
  // end lesson

  void enqueue(const epoll_event& event) {
    Peer& peer = *peers_[static_cast<std::size_t>(event.data.fd)];
    peer.reported = true;
    if ((event.events & ends_a_read_early) != 0) peer.read_to_eagain = true;
    if (!std::exchange(peer.queued, true)) unfinished_.push_back(event.data.fd);
  }

  // lesson: go-on
  // Gives each unfinished peer its share, and keeps those that are still not finished.
  void go_on_with_peers() {
    std::size_t kept = 0;
    for (const int fd : unfinished_) {
      std::optional<Peer>& peer = peers_[static_cast<std::size_t>(fd)];
      switch (drive(*peer)) {
        case Outcome::progressed:
          unfinished_[kept++] = fd;
          break;
        case Outcome::want_read:
          peer->read_to_eagain = false;
          [[fallthrough]];
        case Outcome::want_write:
          peer->queued = false;  // drained: the next edge will report it
          break;
        case Outcome::closed:
          peer.reset();  // closing a descriptor also takes it out of the epoll set
          break;
      }
    }
    unfinished_.resize(kept);
  }
  // end lesson

  // lesson: drain-until-eagain
  // Edge-triggered, the kernel reports a peer again only once there was nothing more to read.
  // EAGAIN says so; and so does a read that got less than there was room for, which saves the call.
  // But a peer that sends as fast as it is read never gets there: hence the budget.
  Outcome drive(Peer& peer) {
    const bool reported = std::exchange(peer.reported, false);
    for (int i = 0; i < pumps_per_turn; ++i) {
      const bool owed = peer.session.owes();
      const Outcome outcome = peer.session.pump({scratch_.get(), scratch_bytes}, counters_);
      if (outcome == Outcome::progressed) {
        if (is_drained(peer)) return Outcome::want_read;
        continue;
      }
      const bool moved = outcome == Outcome::closed || (outcome == Outcome::want_write && !owed);
      if (reported && i == 0 && !moved) counters_.empty_wakeups.add();
      return outcome;
    }
    return Outcome::progressed;
  }

  // An end of input that came before the read brings no further edge, and neither do bytes behind
  // an urgent one: both end a read early. Then only EAGAIN tells that there is nothing more.
  static bool is_drained(const Peer& peer) {
    return peer.session.read_was_short() && !peer.session.owes() && !peer.read_to_eagain;
  }
  // end lesson

  // Queued peers are active, and erasing one would leave a stale descriptor in unfinished_.
  void close_idle_peers() {
    for (std::optional<Peer>& peer : peers_) {
      if (peer && !peer->queued && peer->session.has_gone_idle(counters_)) peer.reset();
    }
  }

  // lesson: accept-again
  // The listener is edge-triggered too: no second edge comes for those who wait already. Without
  // remembering that more may wait, or trying again by itself, the server would go deaf.
  void accept_waiting() {
    const AcceptTurn turn =
        accept_peers(listener_.get(), max_connections_, counters_,
                     [this](FileDescriptor socket) { add_peer(std::move(socket)); });
    accept_more_ = turn == AcceptTurn::budget_spent;
    const bool pause = turn == AcceptTurn::out_of_resources;
    if (pause && !accept_paused_) counters_.accept_pauses.add();
    accept_paused_ = pause;
  }
  // end lesson

  void add_peer(FileDescriptor socket) {
    const int fd = socket.get();
    const auto slot = static_cast<std::size_t>(fd);
    try {
      if (slot >= peers_.size()) peers_.resize(slot + 1);
      // So that enqueue, later, needs no memory.
      if (unfinished_.capacity() < peers_.size()) unfinished_.reserve(peers_.capacity());
    } catch (const std::bad_alloc&) {
      turn_away(counters_, "no memory for another peer");
      return;
    }
    peers_[slot].emplace(Peer{.session = EchoSession(std::move(socket))});
    // lesson: registered-once
    // Registered once, for everything, and never changed again: an edge for room comes only after
    // a send has met EAGAIN, so it costs nothing to ask for both.
    if (watch(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET) < 0) {
      turn_away(counters_, "epoll_ctl can watch no more");
      peers_[slot].reset();
    }
    // end lesson
  }

  int watch(int fd, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    counters_.interest_changes.add();
    return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
  }

  FileDescriptor listener_;
  std::stop_token stop_;
  StopEvent stop_event_;
  std::uint64_t max_connections_;
  IdleTimer idle_timer_;
  Counters& counters_;
  FileDescriptor epoll_{check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")};
  std::vector<std::optional<Peer>> peers_;  // by descriptor: small, dense numbers
  std::vector<int> unfinished_;             // who was reported and is not drained yet
  std::unique_ptr<std::byte[]> scratch_ = make_scratch();
  bool accept_more_ = false;
  bool accept_paused_ = false;
};

}  // namespace

void serve_epoll_et(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                    ServerStats& stats) {
  EpollEtServer(std::move(listener), std::move(stop), options, stats.main()).run();
}

}  // namespace echomux
