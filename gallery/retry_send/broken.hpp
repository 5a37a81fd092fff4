#pragma once

#include "gallery/support/buffered_server.hpp"

namespace echomux::retry_send {

// Level-triggered. A message is sent before the next is received.
class Broken : public BufferedServer {
 public:
  using BufferedServer::BufferedServer;

 private:
  // lesson: bug
  void serve_peer(int fd, std::uint32_t /*events*/) override {
    BufferedPeer& peer = *peers_.find(fd);
    const ssize_t received = receive_once(fd, peer.buffer, counters_);
    if (received == 0) return close(fd);
    if (received < 0) return only_for_now() ? void() : close_on_error(fd);
    peer.unsent = std::span(peer.buffer).first(static_cast<std::size_t>(received));
    while (!peer.unsent.empty()) {
      const ssize_t sent = send_once(fd, peer.unsent, counters_);
      if (sent < 0 && !only_for_now()) return close_on_error(fd);
      if (sent > 0) peer.unsent = peer.unsent.subspan(static_cast<std::size_t>(sent));
    }
  }
  // end lesson
};

}  // namespace echomux::retry_send
