#pragma once

#include <span>

#include "gallery/support/session_server.hpp"

namespace echomux::deaf_accept {

// Level-triggered. While descriptors have run out it does not watch its listener, lest it spin.
class Broken : public SessionServer {
 public:
  using SessionServer::SessionServer;

 protected:
  // lesson: bug
  std::span<const epoll_event> wait() override { return epoll_.wait(-1); }

  // One descriptor more that can be had, and so one peer.
  void remove(int fd) override {
    SessionServer::remove(fd);
    listener_.pause(false);
  }
  // end lesson
};

}  // namespace echomux::deaf_accept
