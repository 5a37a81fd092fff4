// Exercise 01: a blocking server that keeps its second peer waiting.
#include <thread>

#include "course/exercise.hpp"

namespace echomux {
namespace {

class Server {
 public:
  Server(FileDescriptor listener, std::stop_token stop, ServerStats& stats)
      : listener_(std::move(listener)), stop_(std::move(stop)), stats_(stats) {}

  // One turn: wait for a peer, then serve it until it is done. Meanwhile everyone else waits.
  void run() {
    const std::stop_callback wake_accept(
        stop_, [fd = listener_.get()] { static_cast<void>(::shutdown(fd, SHUT_RD)); });
    while (!stop_.stop_requested()) {
      AcceptResult result = accept_peer(listener_.get(), SocketMode::blocking, stats_.main());
      if (result.status == AcceptStatus::accepted) serve_peer(std::move(result.socket));
    }
  }

 private:
  // Sleeps in recv until the peer sends, and returns when the peer has ended its stream.
  void serve_peer(FileDescriptor socket) {
    EchoSession session(std::move(socket));
    // A stop request wakes a recv or send in progress.
    const std::stop_callback wake_session(
        stop_, [fd = session.fd()] { static_cast<void>(::shutdown(fd, SHUT_RDWR)); });
    // One thread at a time may write a set of counters. ThreadCounters gives a thread its own.
    Counters& counters = stats_.main();
    const std::unique_ptr<std::byte[]> scratch = make_scratch();
    while (session.pump({scratch.get(), scratch_bytes}, counters) != Outcome::closed) {
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
