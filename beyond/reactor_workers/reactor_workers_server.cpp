#include "beyond/reactor_workers/reactor_workers_server.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <new>
#include <span>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "echo/accept.hpp"
#include "echo/echo_session.hpp"
#include "echo/idle_timer.hpp"
#include "echo/socket.hpp"
#include "echo/stop_event.hpp"
#include "echo/system_call.hpp"
#include "echo/workers.hpp"

namespace echomux {
namespace {

constexpr std::size_t events_per_wait = 512;
// Peers that may wait for a worker. While the queue is full the reactor waits, too, and takes no
// further events: what is ready stays in the kernel.
constexpr std::size_t queue_places = 1024;

struct Peer {
  explicit Peer(FileDescriptor socket) noexcept : session(std::move(socket)) {}

  EchoSession session;
  // lesson: taken
  // From when the reactor hands the peer over until the worker has had it watched again. While it
  // is set the peer is the worker's alone, and else the reactor's. It stays set on a peer that a
  // worker gives back to be closed.
  std::atomic<bool> taken = false;
  // end lesson
};

// What lies between the reactor and its workers.
class WorkQueue {
 public:
  // lesson: queue
  // Waits while there is no place. For the reactor.
  void push(Peer* peer) {
    {
      std::unique_lock lock(mutex_);
      place_free_.wait(lock, [this] { return count_ < queue_places; });
      places_[(first_ + count_++) % queue_places] = peer;
    }
    // Without the lock, for which the worker that wakes up would have to wait.
    peer_there_.notify_one();
  }

  // The next peer, which is waited for; nullptr when the queue is closed. For the workers.
  Peer* pop() {
    std::unique_lock lock(mutex_);
    peer_there_.wait(lock, [this] { return count_ > 0 || closed_; });
    if (closed_) return nullptr;
    Peer* const peer = places_[first_];
    first_ = (first_ + 1) % queue_places;
    const bool was_full = count_-- == queue_places;
    lock.unlock();
    if (was_full) place_free_.notify_one();
    return peer;
  }
  // end lesson

  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    peer_there_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable peer_there_;
  std::condition_variable place_free_;
  std::array<Peer*, queue_places> places_{};
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  bool closed_ = false;
};

class ReactorWorkersServer {
 public:
  ReactorWorkersServer(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                       ServerStats& stats)
      : listener_(std::move(listener)),
        stop_event_(std::move(stop)),
        max_connections_(options.max_connections),
        idle_timer_(options.idle_timeout),
        stats_(stats),
        counters_(stats.main()) {
    set_nonblocking(listener_.get());
    check(set_interest(EPOLL_CTL_ADD, stop_event_.fd(), EPOLLIN, counters_), "epoll_ctl");
    check(set_interest(EPOLL_CTL_ADD, given_back_event_.get(), EPOLLIN, counters_), "epoll_ctl");
    check(set_interest(EPOLL_CTL_ADD, listener_.get(), EPOLLIN, counters_), "epoll_ctl");
  }

  // lesson: end
  // Each worker finishes the peer that it has, which waits for nobody, and no other. Only then are
  // the peers destroyed, for which the reactor needs no lock any more.
  ~ReactorWorkersServer() {
    queue_.close();
    for (const auto& worker : workers_) {
      if (worker->thread.joinable()) worker->thread.join();
    }
  }
  // end lesson
  ReactorWorkersServer(const ReactorWorkersServer&) = delete;
  ReactorWorkersServer& operator=(const ReactorWorkersServer&) = delete;

  void run(std::size_t workers) {
    for (std::size_t i = 0; i < workers; ++i) start_worker();
    std::array<epoll_event, events_per_wait> events{};
    for (;;) {
      // lesson: reactor
      const int ready = wait(events);
      for (const epoll_event& event : std::span(events).first(static_cast<std::size_t>(ready))) {
        const int fd = event.data.fd;
        if (fd == stop_event_.fd()) return;
        if (fd == listener_.get()) {
          accept_waiting();
        } else if (fd == given_back_event_.get()) {
          close_those_given_back();
        } else {
          Peer& peer = *peers_[static_cast<std::size_t>(fd)];
          await_last_touch(peer);
          peer.taken.store(true, std::memory_order_relaxed);
          queue_.push(&peer);
        }
      }
      // end lesson
      // Nothing announces that descriptors are free again, which may be anywhere in the system.
      if (accept_paused_) accept_waiting();
      if (idle_timer_.is_due()) close_idle_peers();
    }
  }

 private:
  struct Worker {
    explicit Worker(ServerStats& stats) : counters(stats) {}

    ThreadCounters counters;
    std::unique_ptr<std::byte[]> scratch = make_scratch();
    std::thread thread;
  };

  void start_worker() {
    Worker& worker = *workers_.emplace_back(std::make_unique<Worker>(stats_));
    try {
      worker.thread = std::thread([this, &worker] { work(worker); });
    } catch (const std::system_error& error) {
      throw std::system_error(error.code(), "pthread_create");
    }
  }

  void work(Worker& worker) {
    worker.counters.get().thread_id.add(static_cast<std::uint64_t>(::gettid()));
    while (Peer* const peer = queue_.pop()) {
      serve_peer(*peer, worker.scratch.get(), worker.counters.get());
    }
  }

  // lesson: worker
  // One go at a peer, as in epoll_lt. After that the peer is watched again, and from then on the
  // reactor may hand it to somebody else: so nothing may follow but the word that we have let go.
  void serve_peer(Peer& peer, std::byte* scratch, Counters& counters) {
    const bool owed = peer.session.owes();
    const Outcome outcome = peer.session.pump({scratch, scratch_bytes}, counters);
    if (outcome == Outcome::want_read || (owed && outcome == Outcome::want_write)) {
      counters.empty_wakeups.add();
    }
    const int fd = peer.session.fd();
    const std::uint32_t interest = peer.session.owes() ? EPOLLOUT : EPOLLIN;
    if (outcome == Outcome::closed) {
      give_back(peer);
    } else if (set_interest(EPOLL_CTL_MOD, fd, interest | EPOLLONESHOT, counters) == 0) {
      peer.taken.store(false, std::memory_order_release);
    } else {
      counters.peer_errors.add();
      counters.closed.add();
      give_back(peer);
    }
  }
  // end lesson

  // lesson: give-back
  // Only the reactor closes sockets. Once one is closed its number may be a newcomer's, and a
  // worker that still meant the old one would hit that. Nor may anybody else touch the peer until
  // then, so it stays taken.
  void give_back(const Peer& peer) {
    const int fd = peer.session.fd();
    {
      const std::lock_guard lock(mutex_);
      given_back_.push_back(fd);  // there is room: see add_peer()
    }
    static_cast<void>(::eventfd_write(given_back_event_.get(), 1));
  }
  // end lesson

  void close_those_given_back() {
    eventfd_t ignored = 0;
    static_cast<void>(::eventfd_read(given_back_event_.get(), &ignored));
    {
      const std::lock_guard lock(mutex_);
      closing_.assign(given_back_.begin(), given_back_.end());
      given_back_.clear();
    }
    for (const int fd : closing_) {
      ++closed_by_workers_;
      --open_;
      peers_[static_cast<std::size_t>(fd)].reset();
    }
  }

  // A worker has had the peer watched again, and is about to say that it has let go: that is its
  // very next step.
  static void await_last_touch(const Peer& peer) {
    while (peer.taken.load(std::memory_order_acquire)) std::this_thread::yield();
  }

  // lesson: idle
  // A peer that a worker has is not idle, and closing it here would pull its socket away under that
  // worker: the classic race.
  void close_idle_peers() {
    for (std::unique_ptr<Peer>& peer : peers_) {
      if (!peer || peer->taken.load(std::memory_order_acquire)) continue;
      if (!peer->session.has_gone_idle(counters_)) continue;
      --open_;
      peer.reset();
    }
  }
  // end lesson

  // Sleeps until something is ready and returns how many events there are.
  int wait(std::span<epoll_event> events) {
    const int timeout_ms = idle_timer_.wait_ms(open_ > 0, accept_paused_);
    counters_.waits.add();
    const int ready =
        ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout_ms);
    if (ready < 0) {
      if (errno != EINTR) throw_errno("epoll_wait");
      counters_.interrupted.add();
      return 0;
    }
    counters_.descriptors_scanned.add(static_cast<std::uint64_t>(ready));
    counters_.events.add(static_cast<std::uint64_t>(ready));
    return ready;
  }

  // Level-triggered: those who still wait in the backlog when the budget is spent are reported
  // again.
  void accept_waiting() {
    // What the workers close is in their own counters.
    const std::uint64_t limit =
        max_connections_ > std::numeric_limits<std::uint64_t>::max() - closed_by_workers_
            ? max_connections_
            : max_connections_ + closed_by_workers_;
    const AcceptTurn turn =
        accept_peers(listener_.get(), limit, counters_,
                     [this](FileDescriptor socket) { add_peer(std::move(socket)); });
    pause_accepting(turn == AcceptTurn::out_of_resources);
  }

  // Level-triggered, a listener with a waiting connection that can't be accepted would be reported
  // without end. So it is not watched until accepting works again.
  void pause_accepting(bool pause) {
    if (pause == accept_paused_) return;
    if (set_interest(EPOLL_CTL_MOD, listener_.get(), pause ? 0U : EPOLLIN, counters_) < 0) {
      // Still watched, the listener would wake us at once, and so without end until this works.
      if (pause) std::this_thread::sleep_for(std::chrono::milliseconds(10));
      return;
    }
    accept_paused_ = pause;
    if (pause) counters_.accept_pauses.add();
  }

  void add_peer(FileDescriptor socket) {
    const int fd = socket.get();
    const auto slot = static_cast<std::size_t>(fd);
    std::unique_ptr<Peer> peer;
    try {
      if (slot >= peers_.size()) peers_.resize(slot + 1);
      // So that to give one back, later, needs no memory.
      if (closing_.capacity() < peers_.size()) {
        {
          const std::lock_guard lock(mutex_);
          given_back_.reserve(peers_.capacity());
        }
        closing_.reserve(peers_.capacity());
      }
      peer = std::make_unique<Peer>(std::move(socket));
    } catch (const std::bad_alloc&) {
      turn_away(counters_, "no memory for another peer");
      return;
    }
    // lesson: oneshot
    // EPOLLONESHOT: one event, and then none until a worker asks for the next. Without it the peer
    // would be reported again and again while a worker is at it.
    if (set_interest(EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLONESHOT, counters_) < 0) {
      turn_away(counters_, "epoll_ctl can watch no more");
      return;
    }
    // end lesson
    peers_[slot] = std::move(peer);
    ++open_;
  }

  int set_interest(int operation, int fd, std::uint32_t events, Counters& counters) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    counters.interest_changes.add();
    return ::epoll_ctl(epoll_.get(), operation, fd, &event);
  }

  FileDescriptor listener_;
  StopEvent stop_event_;
  std::uint64_t max_connections_;
  IdleTimer idle_timer_;
  ServerStats& stats_;
  Counters& counters_;  // the reactor's
  FileDescriptor epoll_{check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")};
  FileDescriptor given_back_event_{check(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")};
  std::vector<std::unique_ptr<Peer>> peers_;  // by descriptor; each stays where it is
  std::uint64_t open_ = 0;
  std::uint64_t closed_by_workers_ = 0;
  bool accept_paused_ = false;
  WorkQueue queue_;
  std::mutex mutex_;             // guards the next
  std::vector<int> given_back_;  // peers that workers are done with
  std::vector<int> closing_;     // the reactor's copy of it
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace

void serve_reactor_workers(FileDescriptor listener, std::stop_token stop,
                           const ServerOptions& options, ServerStats& stats) {
  ReactorWorkersServer server(std::move(listener), std::move(stop), options, stats);
  server.run(worker_count(options));
}

}  // namespace echomux
