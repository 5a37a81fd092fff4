#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <new>
#include <span>
#include <utility>
#include <vector>

#include "gallery/support/counted_calls.hpp"
#include "gallery/support/epoll_server.hpp"

namespace echomux::unbounded_buffer {

struct Peer {
  explicit Peer(FileDescriptor connection) noexcept : socket(std::move(connection)) {}

  FileDescriptor socket;
  std::list<std::vector<std::byte>> unsent;
  std::size_t sent = 0;  // of the first of these
  bool said_its_last = false;
  std::uint32_t watched = EPOLLIN;
};

// Level-triggered. Receives whenever something has come, and sends whenever there is room.
class Broken : public EpollServer<Peer> {
 public:
  using EpollServer::EpollServer;

 private:
  void serve_peer(int fd, std::uint32_t events) override {
    Peer& peer = *peers_.find(fd);
    if ((events & EPOLLIN) != 0 && !receive(peer)) return close_on_error(fd);
    if ((events & EPOLLOUT) != 0 && !send(peer)) return close_on_error(fd);
    if (peer.said_its_last && peer.unsent.empty()) return close(fd);
    const std::uint32_t wanted =
        (wants_input(peer) ? EPOLLIN : 0U) | (peer.unsent.empty() ? 0U : EPOLLOUT);
    if (std::exchange(peer.watched, wanted) == wanted) return;
    if (epoll_.modify(fd, wanted) < 0) close_on_error(fd);
  }

  // lesson: bug
  bool receive(Peer& peer) {
    const ssize_t received = receive_once(peer.socket.get(), buffer_, counters_);
    if (received < 0) return only_for_now();
    if (received == 0) {
      peer.said_its_last = true;
      return true;
    }
    std::span<const std::byte> rest = std::span(buffer_).first(static_cast<std::size_t>(received));
    if (peer.unsent.empty()) {
      const ssize_t sent = send_once(peer.socket.get(), rest, counters_);
      if (sent < 0 && !only_for_now()) return false;
      if (sent > 0) rest = rest.subspan(static_cast<std::size_t>(sent));
    }
    try {
      if (!rest.empty()) peer.unsent.emplace_back(rest.begin(), rest.end());
    } catch (const std::bad_alloc&) {
      return false;
    }
    return true;
  }
  // end lesson

  // lesson: wants-input
  [[nodiscard]] virtual bool wants_input(const Peer& peer) const { return !peer.said_its_last; }
  // end lesson

  // Sends the first of what is unsent.
  bool send(Peer& peer) {
    const std::span<const std::byte> rest = std::span(peer.unsent.front()).subspan(peer.sent);
    const ssize_t sent = send_once(peer.socket.get(), rest, counters_);
    if (sent < 0) return only_for_now();
    peer.sent += static_cast<std::size_t>(sent);
    if (peer.sent == peer.unsent.front().size()) {
      peer.unsent.pop_front();
      peer.sent = 0;
    }
    return true;
  }

  std::array<std::byte, std::size_t{16} * 1024> buffer_;
};

}  // namespace echomux::unbounded_buffer
