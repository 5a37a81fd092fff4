#pragma once

#include "gallery/support/buffered_server.hpp"

namespace echomux::short_write {

// Level-triggered. What meets EAGAIN is kept until there is room.
class Broken : public BufferedServer {
 public:
  using BufferedServer::BufferedServer;

 private:
  // lesson: bug
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
    if (sent > 0) peer.unsent = {};
    // Level-triggered: for room only while there is something to send.
    watch(peer, peer.unsent.empty() ? EPOLLIN : EPOLLOUT);
  }
  // end lesson
};

}  // namespace echomux::short_write
