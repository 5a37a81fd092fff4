#include "threaded/threaded_server.hpp"

#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "echo/accept.hpp"
#include "echo/echo_session.hpp"
#include "echo/idle_timer.hpp"
#include "echo/socket.hpp"

namespace echomux {
namespace {

using namespace std::chrono_literals;

// What one thread serves one peer with. The accepting thread gets it all before it starts the
// thread, so that when memory is short it can turn the peer away.
struct Worker {
  Worker(FileDescriptor socket, ServerStats& stats) : session(std::move(socket)), counters(stats) {}

  EchoSession session;
  ThreadCounters counters;
  // On the heap: what fills a stack frame of this size, or probes its pages as some compilers do,
  // would cost each thread all of them. Untouched heap costs nothing.
  std::unique_ptr<std::byte[]> scratch = make_scratch();
};

class ThreadedServer {
 public:
  ThreadedServer(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                 ServerStats& stats)
      : listener_(std::move(listener)), stop_(std::move(stop)), options_(options), stats_(stats) {}

  ~ThreadedServer() { wait_for_workers(); }

  ThreadedServer(const ThreadedServer&) = delete;
  ThreadedServer& operator=(const ThreadedServer&) = delete;

  // One turn: wait for a peer and give it a thread.
  void run() {
    // Nothing else interrupts accept: shutting the listener down makes it return an error.
    const std::stop_callback wake_accept(
        stop_, [fd = listener_.get()] { static_cast<void>(::shutdown(fd, SHUT_RD)); });
    while (!stop_.stop_requested()) {
      AcceptResult result = accept_peer(listener_.get(), SocketMode::blocking, stats_.main());
      if (result.status == AcceptStatus::accepted) {
        start_worker(std::move(result.socket));
      } else if (result.status == AcceptStatus::out_of_resources) {
        wait_for_resources();
      }
    }
  }

 private:
  void start_worker(FileDescriptor socket) {
    if (connections_.load(std::memory_order_relaxed) >= options_.max_connections) {
      turn_away(stats_.main(), too_many_connections);
      return;
    }
    try {
      auto worker = std::make_unique<Worker>(std::move(socket), stats_);
      ++connections_;
      count_worker(+1);  // not while the lock is held, because to start a thread takes long
      try {
        // lesson: thread-per-peer
        // Detached, a thread gives its stack back the moment it ends. Joinable, it would keep it
        // until the accepting thread, which may sleep for hours, had found the time to join it.
        std::thread([this, own = std::move(worker)]() mutable {
          serve_peer(*own);
          // Before the connection is closed: a peer that sees it closed may connect again at once.
          --connections_;
          own.reset();       // closes the connection
          count_worker(-1);  // the last thing it does
        }).detach();
        // end lesson
      } catch (...) {
        count_worker(-1);
        --connections_;
        throw;
      }
    } catch (const std::exception&) {
      // lesson: out-of-threads
      // std::bad_alloc, or std::system_error when no thread can be had (EAGAIN, pthread_create(3)).
      turn_away(stats_.main(), "no memory or no thread for another peer");
      // end lesson
    }
  }

  // What each thread does, from accept to close.
  void serve_peer(Worker& worker) {
    EchoSession& session = worker.session;
    // Wakes a recv or send in progress, whatever the peer does. It is gone, on return, before the
    // descriptor is closed and its number can be another's.
    const std::stop_callback wake_session(
        stop_, [fd = session.fd()] { static_cast<void>(::shutdown(fd, SHUT_RDWR)); });
    const auto idle_timeout = options_.idle_timeout;
    if (idle_timeout > 0ns) set_time_limit(session.fd(), time_between_looks(idle_timeout));
    // lesson: serve-one-peer
    // Each thread waits in the kernel for its own peer: no list of peers, no scan, no state
    // machine.
    Outcome outcome = Outcome::progressed;
    while (outcome != Outcome::closed) {
      outcome = session.pump({worker.scratch.get(), scratch_bytes}, worker.counters.get());
      // A blocking socket has EAGAIN only if it has a time limit, whose end this is.
      const bool waited_in_vain = outcome == Outcome::want_read || outcome == Outcome::want_write;
      if (waited_in_vain && session.has_gone_idle(worker.counters.get())) return;
    }
    // end lesson
  }

  // lesson: reap
  // Notifies under the lock: once that is released after the last worker, the server may be gone.
  void count_worker(int change) {
    const std::lock_guard lock(mutex_);
    working_ += change;
    if (change < 0) worker_left_.notify_all();
  }
  // end lesson

  // A descriptor comes free when a worker leaves, or elsewhere in the system, of which nothing
  // tells.
  void wait_for_resources() {
    if (stop_.stop_requested()) return;
    stats_.main().accept_pauses.add();
    std::unique_lock lock(mutex_);
    worker_left_.wait_for(lock, accept_retry_interval);
  }

  // lesson: wait-for-all
  // By the time this is called the stop request has woken every worker.
  void wait_for_workers() {
    std::unique_lock lock(mutex_);
    worker_left_.wait(lock, [this] { return working_ == 0; });
  }
  // end lesson

  FileDescriptor listener_;
  std::stop_token stop_;
  ServerOptions options_;
  ServerStats& stats_;
  // Open ones, each with its thread; a thread that has closed its own may live a little longer.
  std::atomic<std::uint64_t> connections_ = 0;
  std::mutex mutex_;  // guards the count of threads
  std::int64_t working_ = 0;
  std::condition_variable worker_left_;
};

}  // namespace

void serve_threaded(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                    ServerStats& stats) {
  ThreadedServer(std::move(listener), std::move(stop), options, stats).run();
}

}  // namespace echomux
