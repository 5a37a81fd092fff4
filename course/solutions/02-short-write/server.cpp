// Exercise 02, solved: what could not be sent is kept, and until it is gone nothing more is read.
#include "course/epoll_loop.hpp"

namespace echomux {
namespace {

struct Peer {
  FileDescriptor socket;
  std::vector<std::byte> unsent;
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
    peers_[slot].emplace(Peer{std::move(socket), {}});
    loop_.watch(fd, EPOLLIN);
  }

  void serve_peer(int fd) {
    Peer& peer = *peers_[static_cast<std::size_t>(fd)];
    if (!peer.unsent.empty()) return send_or_keep(peer, std::exchange(peer.unsent, {}));
    const ssize_t received = ::recv(fd, buffer_.data(), buffer_.size(), 0);
    if (received < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (received <= 0) return close_peer(fd);
    const auto count = static_cast<std::size_t>(received);
    counters_.bytes_received.add(count);
    send_or_keep(peer, std::span(buffer_).first(count));
  }

  // Watches for room while something is kept, and for input only when nothing is.
  void send_or_keep(Peer& peer, std::span<const std::byte> bytes) {
    const int fd = peer.socket.get();
    const ssize_t result = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (result < 0 && errno != EAGAIN && errno != EINTR) return close_peer(fd);
    const auto sent = static_cast<std::size_t>(result < 0 ? 0 : result);
    counters_.bytes_sent.add(sent);
    peer.unsent.assign(bytes.begin() + static_cast<std::ptrdiff_t>(sent), bytes.end());
    loop_.change(fd, peer.unsent.empty() ? EPOLLIN : EPOLLOUT);
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
