#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "echo/echo_session.hpp"
#include "gallery/support/epoll_server.hpp"

namespace echomux::one_recv {

// Edge-triggered for peers, level-triggered for its listener.
class Broken : public EpollServer<EchoSession> {
 public:
  using EpollServer::EpollServer;

 protected:
  // lesson: bug
  void serve_peer(int fd, std::uint32_t /*events*/) override {
    const Outcome outcome = peers_.find(fd)->pump(buffer_, counters_);
    if (outcome == Outcome::closed) remove(fd);
  }
  // end lesson

  [[nodiscard]] std::uint32_t peer_events() const override {
    return EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  }

  std::array<std::byte, 1024> buffer_{};  // as long as any message, or so it is thought
};

}  // namespace echomux::one_recv
