#pragma once

#include <cstdint>
#include <memory>

#include "echo/echo_session.hpp"
#include "gallery/support/epoll_server.hpp"

namespace echomux {

// An EpollServer whose peers EchoSession serves, which counts by itself the peers that it closes.
class SessionServer : public EpollServer<EchoSession> {
 public:
  using EpollServer::EpollServer;

 protected:
  void serve_peer(int fd, std::uint32_t /*events*/) override { pump(fd, 1); }

  // Pumps at most so many times while bytes move, and watches the peer for what it wants next.
  Outcome pump(int fd, int times) {
    EchoSession& session = *peers_.find(fd);
    const bool owed = session.owes();
    Outcome outcome = Outcome::progressed;
    for (int i = 0; i < times && outcome == Outcome::progressed; ++i) {
      outcome = session.pump({scratch_.get(), scratch_bytes}, counters_);
    }
    if (outcome == Outcome::closed) {
      remove(fd);
    } else if (session.owes() != owed &&
               epoll_.modify(fd, session.owes() ? EPOLLOUT : peer_events()) < 0) {
      close_on_error(fd);
    }
    return outcome;
  }

  std::unique_ptr<std::byte[]> scratch_ = make_scratch();
};

}  // namespace echomux
