// Exercise 02: an epoll server that sends once and looks away.
#include "course/epoll_loop.hpp"

namespace echomux {
namespace {

struct Peer {
  FileDescriptor socket;
};

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
    if (slot >= peers_.size()) peers_.resize(slot + 1);
    peers_[slot].emplace(Peer{std::move(socket)});
    loop_.watch(fd, EPOLLIN);
  }

  void serve_peer(int fd) {
    const ssize_t received = ::recv(fd, buffer_.data(), buffer_.size(), 0);
    if (received < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (received <= 0) return close_peer(fd);
    const auto count = static_cast<std::size_t>(received);
    counters_.bytes_received.add(count);
    // The socket doesn't block: how much does this send, and what becomes of the rest?
    ::send(fd, buffer_.data(), count, MSG_NOSIGNAL);
    counters_.bytes_sent.add(count);
  }

  void close_peer(int fd) {
    counters_.closed.add();
    peers_[static_cast<std::size_t>(fd)].reset();
  }

  EpollLoop loop_;
  Counters& counters_;
  std::vector<std::optional<Peer>> peers_;  // by descriptor
  std::vector<std::byte> buffer_ = std::vector<std::byte>(scratch_bytes);
};

}  // namespace

void serve_exercise(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                    ServerStats& stats) {
  Server(std::move(listener), std::move(stop), options, stats.main()).run();
}

}  // namespace echomux
