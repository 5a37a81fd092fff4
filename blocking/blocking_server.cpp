#include "blocking/blocking_server.hpp"

#include <sys/socket.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>

#include "echo/accept.hpp"
#include "echo/echo_session.hpp"
#include "echo/idle_timer.hpp"
#include "echo/socket.hpp"

namespace echomux {
namespace {

using namespace std::chrono_literals;

class BlockingServer {
 public:
  BlockingServer(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                 Counters& counters)
      : listener_(std::move(listener)),
        stop_(std::move(stop)),
        idle_timeout_(options.idle_timeout),
        counters_(counters) {}

  // One turn: wait for a peer, then serve it until it is done. Meanwhile everyone else waits.
  void run() {
    // Nothing else interrupts accept: shutting the listener down makes it return an error.
    const std::stop_callback wake_accept(
        stop_, [fd = listener_.get()] { static_cast<void>(::shutdown(fd, SHUT_RD)); });
    // lesson: one-after-another
    while (!stop_.stop_requested()) {
      AcceptResult result = accept_peer(listener_.get(), SocketMode::blocking, counters_);
      if (result.status == AcceptStatus::accepted) {
        serve_peer(std::move(result.socket));
      } else if (result.status == AcceptStatus::out_of_resources && !stop_.stop_requested()) {
        wait_for_resources();
      }
    }
    // end lesson
  }

 private:
  void serve_peer(FileDescriptor socket) {
    EchoSession session(std::move(socket));
    // lesson: stop-by-shutdown
    // Wakes a recv or send in progress, whatever the peer does. Declared after the session, so that
    // it is gone before the descriptor is closed and its number can be another's.
    const std::stop_callback wake_session(
        stop_, [fd = session.fd()] { static_cast<void>(::shutdown(fd, SHUT_RDWR)); });
    // end lesson
    if (idle_timeout_ > 0ns) set_time_limit(session.fd(), time_between_looks(idle_timeout_));
    // lesson: serve-one-peer
    // A blocking recv sleeps until there is input, a blocking send until all has found room: the
    // kernel does all the waiting, and the loop could not be simpler.
    Outcome outcome = Outcome::progressed;
    while (outcome != Outcome::closed) {
      outcome = session.pump({scratch_.get(), scratch_bytes}, counters_);
      // A blocking socket has EAGAIN only if it has a time limit, whose end this is.
      const bool waited_in_vain = outcome == Outcome::want_read || outcome == Outcome::want_write;
      if (waited_in_vain && session.has_gone_idle(counters_)) return;
    }
    // end lesson
  }

  // No connection of ours can end meanwhile, so only the rest of the system can free what is
  // missing, and nothing tells when.
  void wait_for_resources() {
    counters_.accept_pauses.add();
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any never_notified;
    never_notified.wait_for(lock, stop_, accept_retry_interval, [] { return false; });
  }

  FileDescriptor listener_;
  std::stop_token stop_;
  std::chrono::nanoseconds idle_timeout_;
  Counters& counters_;
  std::unique_ptr<std::byte[]> scratch_ = make_scratch();
};

}  // namespace

void serve_blocking(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                    ServerStats& stats) {
  BlockingServer(std::move(listener), std::move(stop), options, stats.main()).run();
}

}  // namespace echomux
