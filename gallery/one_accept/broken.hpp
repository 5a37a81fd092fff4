#pragma once

#include <cstdint>
#include <stop_token>
#include <utility>

#include "gallery/support/session_server.hpp"

namespace echomux::one_accept {

// Edge-triggered for its listener, level-triggered for peers.
class Broken : public SessionServer {
 public:
  Broken(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
         Counters& counters)
      : SessionServer(std::move(listener), std::move(stop), options, counters, listener_events) {}

 protected:
  static constexpr std::uint32_t listener_events = EPOLLIN | EPOLLET;

  // lesson: bug
  void accept_waiting() override {
    listener_.accept_one(SocketMode::nonblocking,
                         [this](FileDescriptor socket) { add_peer(std::move(socket)); });
  }
  // end lesson
};

}  // namespace echomux::one_accept
