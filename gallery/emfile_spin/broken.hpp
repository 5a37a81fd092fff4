#pragma once

#include <utility>

#include "gallery/support/session_server.hpp"

namespace echomux::emfile_spin {

// Level-triggered.
class Broken : public SessionServer {
 public:
  using SessionServer::SessionServer;

 protected:
  // lesson: bug
  void accept_waiting() override {
    const AcceptTurn turn = listener_.accept_without_pause(
        [this](FileDescriptor socket) { add_peer(std::move(socket)); });
    // A peer that can't be accepted now waits in the backlog.
    if (turn == AcceptTurn::out_of_resources) counters_.accept_pauses.add();
  }
  // end lesson
};

}  // namespace echomux::emfile_spin
