#pragma once

#include <poll.h>

#include <cstdint>
#include <stop_token>
#include <utility>

#include "gallery/support/session_server.hpp"

namespace echomux::stale_events {

// Level-triggered. When --max-connections are open, it makes room for a newcomer if it can: some
// peer may be gone without having had its turn yet.
class Broken : public SessionServer {
 public:
  Broken(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
         Counters& counters)
      : SessionServer(std::move(listener), std::move(stop), ServerOptions{}, counters),
        max_connections_(options.max_connections) {}

 protected:
  // lesson: bug
  void serve_peer(int fd, std::uint32_t events) override {
    if (peers_.find(fd) == nullptr) return;  // it has made room for another in this very turn
    if ((events & (EPOLLERR | EPOLLHUP)) != 0) return close_on_error(fd);
    pump(fd, 1);
  }

  // Closes the first peer that is gone; false when all are there.
  bool make_room() {
    for (int fd = 0; fd < peers_.end(); ++fd) {
      if (peers_.find(fd) == nullptr) continue;
      pollfd peer{.fd = fd, .events = 0, .revents = 0};
      if (::poll(&peer, 1, 0) != 1) continue;
      close_on_error(fd);
      return true;
    }
    return false;
  }
  // end lesson

  // lesson: close
  void close_on_error(int fd) override {
    counters_.peer_errors.add();
    counters_.closed.add();
    peers_.remove(fd);
  }
  // end lesson

  void add_peer(FileDescriptor socket) override {
    if (open_connections(counters_) <= max_connections_ || make_room()) {
      SessionServer::add_peer(std::move(socket));
    } else {
      turn_away(counters_, too_many_connections);
    }
  }

  std::uint64_t max_connections_;
};

}  // namespace echomux::stale_events
