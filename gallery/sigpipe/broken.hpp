#pragma once

#include <signal.h>
#include <sys/socket.h>

#include "gallery/support/buffered_server.hpp"

namespace echomux::sigpipe {

// Level-triggered.
class Broken : public BufferedServer {
 public:
  using BufferedServer::BufferedServer;

  void run() {
    // 'echomux serve' ignores this signal. Most programs never give it a thought.
    ::signal(SIGPIPE, SIG_DFL);
    BufferedServer::run();
  }

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
    const ssize_t sent =
        count_sent(::send(fd, peer.unsent.data(), peer.unsent.size(), 0), counters_);
    if (sent < 0 && !only_for_now()) return close_on_error(fd);
    if (sent > 0) peer.unsent = peer.unsent.subspan(static_cast<std::size_t>(sent));
    // Level-triggered: for room only while there is something to send.
    watch(peer, peer.unsent.empty() ? EPOLLIN : EPOLLOUT);
  }
  // end lesson
};

}  // namespace echomux::sigpipe
