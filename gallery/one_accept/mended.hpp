#pragma once

#include "gallery/one_accept/broken.hpp"

namespace echomux::one_accept {

class Mended : public Broken {
 public:
  using Broken::Broken;

 private:
  // lesson: mended
  void accept_waiting() override {
    const AcceptTurn turn =
        listener_.accept_waiting([this](FileDescriptor socket) { add_peer(std::move(socket)); });
    // Several may have come with one edge: until EAGAIN. Or else it is registered anew, which
    // reports it anew if somebody still waits.
    if (turn == AcceptTurn::budget_spent) epoll_.modify(listener_.fd(), listener_events);
  }
  // end lesson
};

}  // namespace echomux::one_accept
