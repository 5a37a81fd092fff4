// Exercise 04: a server with a thread for each peer, of which none is ever forgotten.
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
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  void start_thread(FileDescriptor socket) {
    threads_.emplace_back(
        [this, socket = std::move(socket)]() mutable { serve_peer(std::move(socket)); });
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
  std::vector<std::thread> threads_;
};

}  // namespace

void serve_exercise(FileDescriptor listener, std::stop_token stop, const ServerOptions& /*options*/,
                    ServerStats& stats) {
  Server(std::move(listener), std::move(stop), stats).run();
}

}  // namespace echomux
