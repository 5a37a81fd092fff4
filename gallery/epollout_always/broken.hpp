#pragma once

#include <cstdint>

#include "gallery/support/session_server.hpp"

namespace echomux::epollout_always {

// Level-triggered. While something is owed to a peer, nothing more is received from it.
class Broken : public SessionServer {
 public:
  using SessionServer::SessionServer;

 private:
  // lesson: bug
  // Whatever may happen to a peer.
  [[nodiscard]] std::uint32_t peer_events() const override { return EPOLLIN | EPOLLOUT; }
  // end lesson
};

}  // namespace echomux::epollout_always
