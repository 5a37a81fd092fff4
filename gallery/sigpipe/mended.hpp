#pragma once

#include <signal.h>

#include "gallery/support/buffered_server.hpp"

namespace echomux::sigpipe {

// With send_once(), which sends with MSG_NOSIGNAL.
class Mended : public BufferedServer {
 public:
  using BufferedServer::BufferedServer;

  void run() {
    ::signal(SIGPIPE, SIG_DFL);
    BufferedServer::run();
  }
};

}  // namespace echomux::sigpipe
