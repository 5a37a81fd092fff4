#pragma once

#include "gallery/support/buffered_server.hpp"

namespace echomux::leak_on_reset {

// Level-triggered.
class Broken : public BufferedServer {
 public:
  using BufferedServer::BufferedServer;

 private:
  // lesson: bug
  // The connection is gone: nothing is left to be told about it.
  void close_on_error(int fd) override {
    counters_.peer_errors.add();
    counters_.closed.add();
    static_cast<void>(epoll_.remove(fd));
    static_cast<void>(peers_.take(fd)->socket.release());
  }
  // end lesson
};

}  // namespace echomux::leak_on_reset
