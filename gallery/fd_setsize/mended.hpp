#pragma once

#include "gallery/fd_setsize/broken.hpp"

namespace echomux::fd_setsize {

class Mended : public Broken {
 public:
  using Broken::Broken;

 private:
  // lesson: mended
  void add_peer(FileDescriptor socket) override {
    // An fd_set has FD_SETSIZE bits. FD_SET beyond writes into what lies behind it.
    if (socket.get() >= FD_SETSIZE) {
      turn_away(counters_, "an fd_set has no bit for this descriptor");
    } else {
      Broken::add_peer(std::move(socket));
    }
  }
  // end lesson
};

}  // namespace echomux::fd_setsize
