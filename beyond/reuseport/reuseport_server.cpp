#include "beyond/reuseport/reuseport_server.hpp"

#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <exception>
#include <limits>
#include <list>
#include <memory>
#include <new>
#include <span>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "beyond/reuseport/children.hpp"
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
constexpr std::size_t cache_line_bytes = 64;

// lesson: shared
// All that the loops share. Each writes only its own counters. The number of connections is
// everybody's: it is written when one comes and when one goes, and not for a request.
struct Shared {
  struct alignas(cache_line_bytes) OfALoop {
    Counters counters;
    std::atomic<std::uint64_t> places = 0;  // that its connections take of those below
  };

  std::atomic<std::uint64_t> open = 0;
  std::array<OfALoop, ServerOptions::most_workers> loops;
};
// end lesson

struct Unmap {
  void operator()(Shared* shared) const { ::munmap(shared, sizeof *shared); }
};

// In memory that a process has together with those that it forks.
std::unique_ptr<Shared, Unmap> map_shared() {
  void* const memory =
      ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw_errno("mmap");
  return std::unique_ptr<Shared, Unmap>(new (memory) Shared);
}

// One loop with a listener of its own: epoll_lt, but for where its peers are kept.
class Loop {
 public:
  // `stop` becomes readable when it is to end.
  Loop(FileDescriptor listener, int stop, const ServerOptions& options, Shared& shared,
       std::size_t number)
      : listener_(std::move(listener)),
        stop_(stop),
        max_connections_(options.max_connections),
        idle_timer_(options.idle_timeout),
        shared_(shared),
        places_(shared.loops[number].places),
        counters_(shared.loops[number].counters) {
    set_nonblocking(listener_.get());
    check(set_interest(EPOLL_CTL_ADD, stop_, EPOLLIN, &stop_), "epoll_ctl");
    check(set_interest(EPOLL_CTL_ADD, listener_.get(), EPOLLIN, &listener_), "epoll_ctl");
  }

  void run() {
    counters_.thread_id.add(static_cast<std::uint64_t>(::gettid()));
    std::array<epoll_event, events_per_wait> events{};
    for (;;) {
      const int ready = wait(events);
      for (const epoll_event& event : std::span(events).first(static_cast<std::size_t>(ready))) {
        if (event.data.ptr == &stop_) return;
        if (event.data.ptr == &listener_) {
          accept_waiting();
        } else {
          serve_peer(*static_cast<Peer*>(event.data.ptr));
        }
      }
      if (accept_paused_) accept_waiting();
      if (idle_timer_.is_due()) close_idle_peers();
    }
  }

 private:
  // lesson: peer
  // Descriptors have the numbers of the whole process, so a table by number would have room for
  // everybody's peers in each loop. Instead epoll keeps the address of each peer for us, which
  // never moves, and the peer knows its own place in the list.
  struct Peer {
    explicit Peer(FileDescriptor socket) noexcept : session(std::move(socket)) {}

    EchoSession session;
    std::list<Peer>::iterator place;
  };
  // end lesson

  int wait(std::span<epoll_event> events) {
    const int timeout_ms = idle_timer_.wait_ms(!peers_.empty(), accept_paused_);
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

  void serve_peer(Peer& peer) {
    const bool owed = peer.session.owes();
    const Outcome outcome = peer.session.pump({scratch_.get(), scratch_bytes}, counters_);
    if (outcome == Outcome::want_read || (owed && outcome == Outcome::want_write)) {
      counters_.empty_wakeups.add();
    }
    if (outcome == Outcome::closed) {
      close(peer);
    } else if (peer.session.owes() != owed && set_interest(EPOLL_CTL_MOD, peer.session.fd(),
                                                           owed ? EPOLLIN : EPOLLOUT, &peer) < 0) {
      counters_.peer_errors.add();
      counters_.closed.add();
      close(peer);
    }
  }

  // Its place is free before its socket is closed: who has seen that may come back at once.
  void close(const Peer& peer) {
    leave_place();
    peers_.erase(peer.place);
  }

  void close_idle_peers() {
    for (auto next = peers_.begin(); next != peers_.end();) {
      Peer& peer = *next++;
      if (peer.session.has_gone_idle(counters_)) close(peer);
    }
  }

  // Level-triggered: those who still wait in this backlog when the budget is spent are reported
  // again.
  void accept_waiting() {
    constexpr std::uint64_t no_limit_of_its_own = std::numeric_limits<std::uint64_t>::max();
    const AcceptTurn turn =
        accept_peers(listener_.get(), no_limit_of_its_own, counters_,
                     [this](FileDescriptor socket) { add_peer(std::move(socket)); });
    pause_accepting(turn == AcceptTurn::out_of_resources);
  }

  // As in epoll_lt. Who waits in this listener's backlog meanwhile waits for this loop: no other
  // takes them.
  void pause_accepting(bool pause) {
    if (pause == accept_paused_) return;
    if (set_interest(EPOLL_CTL_MOD, listener_.get(), pause ? 0U : EPOLLIN, &listener_) < 0) {
      if (pause) std::this_thread::sleep_for(std::chrono::milliseconds(10));
      return;
    }
    accept_paused_ = pause;
    if (pause) counters_.accept_pauses.add();
  }

  void add_peer(FileDescriptor socket) {
    if (!take_place()) return turn_away(counters_, too_many_connections);
    try {
      peers_.emplace_front(std::move(socket));
    } catch (const std::bad_alloc&) {
      return refuse("no memory for another peer");
    }
    Peer& peer = peers_.front();
    peer.place = peers_.begin();
    if (set_interest(EPOLL_CTL_ADD, peer.session.fd(), EPOLLIN, &peer) < 0) {
      refuse("epoll_ctl can watch no more");
      peers_.pop_front();
    }
  }

  // lesson: limit
  // One more than there are, unless that is too many: no two loops can both take the last place.
  bool take_place() {
    std::uint64_t open = shared_.open.load(std::memory_order_relaxed);
    do {
      if (open >= max_connections_) return false;
    } while (!shared_.open.compare_exchange_weak(open, open + 1, std::memory_order_relaxed));
    places_.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  // end lesson

  // The loop's own count goes first, so that what a killed process leaves is never too much.
  void leave_place() {
    places_.fetch_sub(1, std::memory_order_relaxed);
    shared_.open.fetch_sub(1, std::memory_order_relaxed);
  }

  void refuse(const char* why) {
    leave_place();
    turn_away(counters_, why);
  }

  int set_interest(int operation, int fd, std::uint32_t events, void* whose) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = whose;
    counters_.interest_changes.add();
    return ::epoll_ctl(epoll_.get(), operation, fd, &event);
  }

  FileDescriptor listener_;
  int stop_;
  std::uint64_t max_connections_;
  IdleTimer idle_timer_;
  Shared& shared_;
  std::atomic<std::uint64_t>& places_;  // its own in that
  Counters& counters_;
  FileDescriptor epoll_{check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")};
  std::list<Peer> peers_;
  std::unique_ptr<std::byte[]> scratch_ = make_scratch();
  bool accept_paused_ = false;
};

// The loops as threads. The calling one runs the first of them.
void run_threads(std::list<Loop>& loops, std::stop_source& end) {
  std::atomic_flag failed;
  std::exception_ptr failure;
  const auto run = [&](Loop& loop) {
    try {
      loop.run();
    } catch (...) {
      if (!failed.test_and_set()) failure = std::current_exception();
      end.request_stop();
    }
  };
  {
    std::vector<std::jthread> threads;
    // However this is left, all loops are told before they are waited for.
    const struct EndsThem {
      std::stop_source& end;
      ~EndsThem() { end.request_stop(); }
    } ends_them{end};
    try {
      for (auto loop = std::next(loops.begin()); loop != loops.end(); ++loop) {
        threads.emplace_back([&run, &its = *loop] { run(its); });
      }
    } catch (const std::system_error& error) {
      throw std::system_error(error.code(), "pthread_create");
    }
    run(loops.front());
  }
  if (failure) std::rethrow_exception(failure);
}

// lesson: processes
// The loops as processes, each with descriptors of its own. A listener lives as long as anybody has
// it open, and as long as it lives connections are dealt to it: so each process keeps one, and
// their parent none.
void run_processes(std::vector<FileDescriptor> listeners, int stop, const ServerOptions& options,
                   Shared& shared) {
  Children children(stop, [&](std::size_t i) {
    // The kernel has closed its connections. Nobody else writes to its counters any more.
    Shared::OfALoop& loop = shared.loops[i];
    shared.open.fetch_sub(loop.places.exchange(0));
    loop.counters.closed.add(open_connections(loop.counters));
  });
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    children.start([&] {
      FileDescriptor own = std::move(listeners[i]);
      listeners.clear();
      Loop(std::move(own), stop, options, shared, i).run();
    });
  }
  listeners.clear();
  options.on_listening();
  children.watch();
}
// end lesson

// lesson: listeners
// All bind to the same address. The first has its port already: with port 0, nobody knew it before.
std::vector<FileDescriptor> listen_together(FileDescriptor first, std::size_t count) {
  const Endpoint endpoint = local_endpoint(first.get());
  std::vector<FileDescriptor> listeners;
  listeners.push_back(std::move(first));
  while (listeners.size() < count) {
    listeners.push_back(listen_on(endpoint, PortUse::shares));
  }
  return listeners;
}
// end lesson

}  // namespace

void serve_reuseport(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                     ServerStats& stats) {
  const std::size_t count = options.processes > 0 ? options.processes : worker_count(options);
  // Asked to end by the caller, or by a loop that can't go on.
  std::stop_source end;
  const std::stop_callback forward(std::move(stop), [&end] { end.request_stop(); });
  const StopEvent stop_event(end.get_token());
  const auto shared = map_shared();
  std::list<ThreadCounters> counters;
  for (std::size_t i = 0; i < count; ++i) counters.emplace_back(stats, shared->loops[i].counters);
  std::vector<FileDescriptor> listeners = listen_together(std::move(listener), count);
  if (options.processes > 0) {
    run_processes(std::move(listeners), stop_event.fd(), options, *shared);
    return;
  }
  std::list<Loop> loops;
  for (std::size_t i = 0; i < count; ++i) {
    loops.emplace_back(std::move(listeners[i]), stop_event.fd(), options, *shared, i);
  }
  // All of them are set up: what fails from here on is no failure to begin.
  options.on_listening();
  run_threads(loops, end);
}

}  // namespace echomux
