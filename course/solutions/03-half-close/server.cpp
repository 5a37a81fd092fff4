// Exercise 03, solved: only recv knows when the stream is over, and it comes to its end after every
// byte before it. Nothing else needs to be asked, and EPOLLRDHUP, which lasts, would be in the way.
#include "course/epoll_loop.hpp"

namespace echomux {
namespace {

class Server {
 public:
  Server(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
         Counters& counters)
      : loop_(std::move(listener), std::move(stop), options, counters), counters_(counters) {}

  void run() {
    loop_.run([this](FileDescriptor socket) { add_peer(std::move(socket)); },
              [this](int fd, std::uint32_t /*events*/) { serve_peer(fd); });
  }

 private:
  void add_peer(FileDescriptor socket) {
    const int fd = socket.get();
    const auto slot = static_cast<std::size_t>(fd);
    if (slot >= sessions_.size()) sessions_.resize(slot + 1);
    sessions_[slot].emplace(std::move(socket));
    loop_.watch(fd, EPOLLIN);
  }

  void serve_peer(int fd) {
    std::optional<EchoSession>& session = sessions_[static_cast<std::size_t>(fd)];
    const bool owed = session->owes();
    const Outcome outcome = session->pump({scratch_.get(), scratch_bytes}, counters_);
    if (outcome == Outcome::closed) {
      session.reset();
    } else if (session->owes() != owed) {
      loop_.change(fd, session->owes() ? EPOLLOUT : EPOLLIN);
    }
  }

  EpollLoop loop_;
  Counters& counters_;
  std::vector<std::optional<EchoSession>> sessions_;  // by descriptor
  std::unique_ptr<std::byte[]> scratch_ = make_scratch();
};

}  // namespace

void serve_exercise(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                    ServerStats& stats) {
  Server(std::move(listener), std::move(stop), options, stats.main()).run();
}

}  // namespace echomux
