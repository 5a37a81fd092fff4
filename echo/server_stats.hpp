#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string_view>

namespace echomux {

// A count that one thread writes and any thread may read. A load and a store instead of a
// read-modify-write: with one writer nothing can be lost, and no bus lock is paid on the hot path.
class Counter {
 public:
  void add(std::uint64_t amount = 1) noexcept {
#ifdef ECHOMUX_WATCH_WRITERS
    ++writes_;
#endif
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t value() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t> value_{0};
#ifdef ECHOMUX_WATCH_WRITERS
  std::uint64_t writes_ = 0;  // not atomic, so that the thread sanitizer reports a second writer
#endif
};

// What one server thread counts. Only that thread writes it.
struct Counters {
  Counter waits;                // calls of select, poll or epoll_wait
  Counter descriptors_scanned;  // examined to find the ready ones: select and poll, all that are
                                // watched, every call; epoll, those returned; busy_poll, all tried
  Counter events;               // ready descriptors that waits reported
  Counter empty_wakeups;        // events on which nothing could be received or sent
  Counter recv_calls;
  Counter send_calls;
  Counter eagain;            // recv or send calls that would have blocked
  Counter interrupted;       // calls that a signal interrupted (EINTR)
  Counter interest_changes;  // epoll_ctl calls; in select and poll a change is a mere store
  Counter accept_calls;
  Counter accept_pauses;  // times that descriptors or memory ran out while accepting
  Counter accepted;       // connections taken from the backlog
  Counter turned_away;    // of these, closed at once because the server had no place for them
  Counter closed;         // connections that ended while the server ran
  Counter peer_errors;    // of these, by an error such as ECONNRESET or EPIPE
  Counter idle_closed;    // of these, by the server, because the peer was idle for too long
  Counter bytes_received;
  Counter bytes_sent;
  // Which thread it is (gettid(2)), once it runs: no count, and none of those below.
  Counter thread_id;
};

// How many connections are open, in a server that counts all of them in one set.
[[nodiscard]] inline std::uint64_t open_connections(const Counters& counters) noexcept {
  return counters.accepted.value() - counters.turned_away.value() - counters.closed.value();
}

// A counter's name as it appears in every output, and where it is kept.
struct CounterField {
  std::string_view name;
  Counter Counters::*member;
};

inline constexpr std::array counter_fields{
    CounterField{"waits", &Counters::waits},
    CounterField{"descriptors_scanned", &Counters::descriptors_scanned},
    CounterField{"events", &Counters::events},
    CounterField{"empty_wakeups", &Counters::empty_wakeups},
    CounterField{"recv_calls", &Counters::recv_calls},
    CounterField{"send_calls", &Counters::send_calls},
    CounterField{"eagain", &Counters::eagain},
    CounterField{"interrupted", &Counters::interrupted},
    CounterField{"interest_changes", &Counters::interest_changes},
    CounterField{"accept_calls", &Counters::accept_calls},
    CounterField{"accept_pauses", &Counters::accept_pauses},
    CounterField{"accepted", &Counters::accepted},
    CounterField{"turned_away", &Counters::turned_away},
    CounterField{"closed", &Counters::closed},
    CounterField{"peer_errors", &Counters::peer_errors},
    CounterField{"idle_closed", &Counters::idle_closed},
    CounterField{"bytes_received", &Counters::bytes_received},
    CounterField{"bytes_sent", &Counters::bytes_sent},
};

// One value per entry of counter_fields, in that order.
using CounterSnapshot = std::array<std::uint64_t, counter_fields.size()>;

// All counters of one server. The serving thread writes main(); a server with more threads gives
// each a ThreadCounters. snapshot() may be called from any thread at any time; each value is
// exact, but they are not all read at one instant.
class ServerStats {
 public:
  // The counters of the thread that runs the server's loop.
  [[nodiscard]] Counters& main() noexcept { return main_; }

  // The sum over all threads, those that have ended included.
  [[nodiscard]] CounterSnapshot snapshot() const;

  // Calls `visit` with each further thread's counters, in the order of their construction. Needs no
  // memory; nobody begins or ends counting meanwhile.
  template <typename Visit>
  void visit_threads(Visit visit) const {
    const std::lock_guard lock(mutex_);
    for (const Counters* const thread : threads_) visit(*thread);
  }

 private:
  friend class ThreadCounters;

  Counters main_;
  mutable std::mutex mutex_;            // guards the two below, never taken on the hot path
  std::list<const Counters*> threads_;  // one per living ThreadCounters
  CounterSnapshot ended_threads_{};
};

// One further thread's own counters, part of the server's sum from construction on. The destructor
// keeps their values. The ServerStats must outlive it. May throw std::bad_alloc.
class ThreadCounters {
 public:
  explicit ThreadCounters(ServerStats& stats);
  // Those that lie elsewhere, such as in memory that another process writes to.
  ThreadCounters(ServerStats& stats, Counters& elsewhere);
  ~ThreadCounters();
  ThreadCounters(const ThreadCounters&) = delete;
  ThreadCounters& operator=(const ThreadCounters&) = delete;

  [[nodiscard]] Counters& get() noexcept { return *counters_; }

 private:
  void join();

  ServerStats& stats_;
  std::unique_ptr<Counters> own_;  // none where they lie elsewhere
  Counters* counters_;
  std::list<const Counters*>::iterator place_;
};

}  // namespace echomux
