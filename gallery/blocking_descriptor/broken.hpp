#pragma once

#include <cstdint>
#include <utility>

#include "gallery/support/session_server.hpp"

namespace echomux::blocking_descriptor {

// Level-triggered; receives until EAGAIN.
class Broken : public SessionServer {
 public:
  using SessionServer::SessionServer;

 protected:
  static constexpr int pumps_per_turn = 4;

  // lesson: bug
  // The listener is non-blocking, and so is what it accepts.
  [[nodiscard]] virtual SocketMode peer_mode() const { return SocketMode::blocking; }
  // end lesson

  void accept_waiting() override {
    for (int i = 0; i < accept_budget; ++i) {
      const AcceptStatus status = listener_.accept_one(
          peer_mode(), [this](FileDescriptor socket) { add_peer(std::move(socket)); });
      if (status == AcceptStatus::none_waiting || status == AcceptStatus::out_of_resources) return;
    }
  }

  // lesson: serve-peer
  // Until EAGAIN, which saves wake-ups; the others get their turn after a few at the latest.
  void serve_peer(int fd, std::uint32_t /*events*/) override { pump(fd, pumps_per_turn); }
  // end lesson
};

}  // namespace echomux::blocking_descriptor
