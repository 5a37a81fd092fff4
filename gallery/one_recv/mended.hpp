#pragma once

#include "gallery/one_recv/broken.hpp"

namespace echomux::one_recv {

class Mended : public Broken {
 public:
  using Broken::Broken;

 private:
  static constexpr int pumps_per_turn = 16;

  // lesson: mended
  void serve_peer(int fd, std::uint32_t /*events*/) override {
    // No second edge tells of what has not been read: only EAGAIN says that one will come. But a
    // peer that sends as fast as it is read never gets there, and others wait.
    Outcome outcome = Outcome::progressed;
    for (int i = 0; i < pumps_per_turn && outcome == Outcome::progressed; ++i) {
      outcome = peers_.find(fd)->pump(buffer_, counters_);
    }
    if (outcome == Outcome::closed) return remove(fd);
    // To register it anew reports it anew if it is still ready, behind all others that are.
    if (outcome == Outcome::progressed && epoll_.modify(fd, peer_events()) < 0) close_on_error(fd);
  }
  // end lesson
};

}  // namespace echomux::one_recv
