// Exercise 01, solved: each peer has a thread to sleep in.
#include <thread>

#include "course/exercise.hpp"

namespace echomux {
namespace {

class Server {
 public:
  Server(FileDescriptor listener, std::stop_token stop, ServerStats& stats)
      : listener_(std::move(listener)), stop_(std::move(stop)), stats_(stats) {}

  // One turn: wait for a peer and give it a thread. The threads end when their peers do, or when a
  // stop is requested, and are joined when `threads` goes.
  void run() {
    const std::stop_callback wake_accept(
        stop_, [fd = listener_.get()] { static_cast<void>(::shutdown(fd, SHUT_RD)); });
    std::vector<std::jthread> threads;
    while (!stop_.stop_requested()) {
      AcceptResult result = accept_peer(listener_.get(), SocketMode::blocking, stats_.main());
      if (result.status != AcceptStatus::accepted) continue;
      threads.emplace_back(
          [this, socket = std::move(result.socket)]() mutable { serve_peer(std::move(socket)); });
    }
  }

 private:
  // Sleeps in recv until the peer sends, and returns when the peer has ended its stream.
  void serve_peer(FileDescriptor socket) {
    EchoSession session(std::move(socket));
    // A stop request wakes a recv or send in progress.
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
};

}  // namespace

void serve_exercise(FileDescriptor listener, std::stop_token stop, const ServerOptions& /*options*/,
                    ServerStats& stats) {
  Server(std::move(listener), std::move(stop), stats).run();
}

}  // namespace echomux
