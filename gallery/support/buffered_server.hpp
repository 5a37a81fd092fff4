#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "echo/file_descriptor.hpp"
#include "gallery/support/counted_calls.hpp"
#include "gallery/support/epoll_server.hpp"

namespace echomux {

// A peer with a buffer of its own. While something in there is unsent it is not read again.
struct BufferedPeer {
  explicit BufferedPeer(FileDescriptor connection) noexcept : socket(std::move(connection)) {}

  FileDescriptor socket;
  std::span<const std::byte> unsent;  // of the buffer: received, and still to be sent
  std::uint32_t watched = EPOLLIN;    // what it is in the epoll set for
  std::array<std::byte, std::size_t{16} * 1024> buffer;
};

// An EpollServer that receives and sends by itself. This is how it is right: several exhibits have
// their own serve_peer(), and this is their mended twin.
class BufferedServer : public EpollServer<BufferedPeer> {
 public:
  using EpollServer::EpollServer;

 protected:
  // lesson: serve-peer
  void serve_peer(int fd, std::uint32_t /*events*/) override {
    BufferedPeer& peer = *peers_.find(fd);
    if (peer.unsent.empty()) {
      const ssize_t received = receive_once(fd, peer.buffer, counters_);
      if (received == 0) return close(fd);
      if (received < 0) return only_for_now() ? void() : close_on_error(fd);
      peer.unsent = std::span(peer.buffer).first(static_cast<std::size_t>(received));
    }
    const ssize_t sent = send_once(fd, peer.unsent, counters_);
    if (sent < 0 && !only_for_now()) return close_on_error(fd);
    if (sent > 0) peer.unsent = peer.unsent.subspan(static_cast<std::size_t>(sent));
    // Level-triggered: for room only while there is something to send.
    watch(peer, peer.unsent.empty() ? EPOLLIN : EPOLLOUT);
  }
  // end lesson

  void watch(BufferedPeer& peer, std::uint32_t events) {
    const int fd = peer.socket.get();
    if (std::exchange(peer.watched, events) == events) return;
    if (epoll_.modify(fd, events) < 0) close_on_error(fd);
  }
};

}  // namespace echomux
