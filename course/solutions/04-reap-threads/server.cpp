// Exercise 04, solved: a thread that nobody joins gives its stack back by itself.
#include <condition_variable>
#include <mutex>
#include <thread>

#include "course/exercise.hpp"

namespace echomux {
namespace {

class Server {
 public:
  Server(FileDescriptor listener, std::stop_token stop, ServerStats& stats)
      : listener_(std::move(listener)), stop_(std::move(stop)), stats_(stats) {}

  void run() {
    const std::stop_callback wake_accept(
        stop_, [fd = listener_.get()] { static_cast<void>(::shutdown(fd, SHUT_RD)); });
    while (!stop_.stop_requested()) {
      AcceptResult result = accept_peer(listener_.get(), SocketMode::blocking, stats_.main());
      if (result.status == AcceptStatus::accepted) start_thread(std::move(result.socket));
    }
    std::unique_lock lock(mutex_);
    thread_left_.wait(lock, [this] { return working_ == 0; });
  }

 private:
  void start_thread(FileDescriptor socket) {
    const std::lock_guard lock(mutex_);
    std::thread([this, socket = std::move(socket)]() mutable {
      serve_peer(std::move(socket));
      const std::lock_guard done(mutex_);
      --working_;
      // Under the lock: once that is released after the last thread, the server may be gone.
      thread_left_.notify_all();
    }).detach();
    ++working_;
  }

  void serve_peer(FileDescriptor socket) {
    EchoSession session(std::move(socket));
    const std::stop_callback wake_session(
        stop_, [fd = session.fd()] { static_cast<void>(::shutdown(fd, SHUT_RDWR)); });
    ThreadCounters counters(stats_);
    const std::unique_ptr<std::byte[]> scratch = make_scratch();
    while (session.pump({scratch.get(), scratch_bytes}, counters.get()) != Outcome::closed) {
    }
  }

  FileDescriptor listener_;
  std::stop_token stop_;
  ServerStats& stats_;
  std::mutex mutex_;  // guards the count
  int working_ = 0;
  std::condition_variable thread_left_;
};

}  // namespace

void serve_exercise(FileDescriptor listener, std::stop_token stop, const ServerOptions& /*options*/,
                    ServerStats& stats) {
  Server(std::move(listener), std::move(stop), stats).run();
}

}  // namespace echomux
