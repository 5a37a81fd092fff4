#pragma once

#include "echo/system_call.hpp"
#include "gallery/support/buffered_server.hpp"

namespace echomux::error_ends_server {

// Level-triggered. Every call is checked, as every book says.
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
      if (received < 0 && only_for_now()) return;
      check(received, "recv");
      peer.unsent = std::span(peer.buffer).first(static_cast<std::size_t>(received));
    }
    const ssize_t sent = send_once(fd, peer.unsent, counters_);
    if (sent < 0 && !only_for_now()) throw_errno("send");
    if (sent > 0) peer.unsent = peer.unsent.subspan(static_cast<std::size_t>(sent));
    // Level-triggered: for room only while there is something to send.
    watch(peer, peer.unsent.empty() ? EPOLLIN : EPOLLOUT);
  }
  // end lesson
};

}  // namespace echomux::error_ends_server
