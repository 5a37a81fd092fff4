#pragma once

#include <chrono>
#include <span>

#include "gallery/support/session_server.hpp"

namespace echomux::wrong_unit {

// Level-triggered. While descriptors have run out it tries to accept from time to time.
class Broken : public SessionServer {
 public:
  using SessionServer::SessionServer;

 private:
  // lesson: bug
  std::span<const epoll_event> wait() override {
    if (listener_.is_paused()) accept_waiting();
    const std::chrono::microseconds retry = accept_retry_interval;
    return epoll_.wait(listener_.is_paused() ? static_cast<int>(retry.count()) : -1);
  }
  // end lesson
};

}  // namespace echomux::wrong_unit
