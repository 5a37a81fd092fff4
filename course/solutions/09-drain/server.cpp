// Exercise 09, solved: only EAGAIN says that another edge will come.
#include "course/epoll_loop.hpp"

namespace echomux {
namespace {

// Small, so that a message needs several receives.
constexpr std::size_t buffer_bytes = 1024;

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
    loop_.watch(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
  }

  void serve_peer(int fd) {
    std::optional<EchoSession>& session = sessions_[static_cast<std::size_t>(fd)];
    Outcome outcome = Outcome::progressed;
    while (outcome == Outcome::progressed) outcome = session->pump(buffer_, counters_);
    if (outcome == Outcome::closed) session.reset();
  }

  EpollLoop loop_;
  Counters& counters_;
  std::vector<std::optional<EchoSession>> sessions_;  // by descriptor
  std::array<std::byte, buffer_bytes> buffer_{};
};

}  // namespace

void serve_exercise(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                    ServerStats& stats) {
  Server(std::move(listener), std::move(stop), options, stats.main()).run();
}

}  // namespace echomux
