#pragma once

#include "gallery/support/buffered_server.hpp"

namespace echomux::wait_for_hup {

// Level-triggered. A peer is closed when it has hung up.
class Broken : public BufferedServer {
 public:
  using BufferedServer::BufferedServer;

 private:
  // lesson: bug
  void serve_peer(int fd, std::uint32_t /*events*/) override {
    BufferedPeer& peer = *peers_.find(fd);
    // EPOLLHUP and EPOLLERR are reported without being asked for, and then nothing else is.
    if (peer.watched == 0) return close(fd);
    if (peer.unsent.empty()) {
      const ssize_t received = receive_once(fd, peer.buffer, counters_);
      // Its last word. What is left to come is that it hangs up.
      if (received == 0) return watch(peer, 0);
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
};

}  // namespace echomux::wait_for_hup
