#pragma once

#include "gallery/unbounded_buffer/broken.hpp"

namespace echomux::unbounded_buffer {

class Mended : public Broken {
 public:
  using Broken::Broken;

 private:
  // lesson: mended
  // What a peer doesn't take back, it isn't allowed to send: its window closes, and it waits.
  [[nodiscard]] bool wants_input(const Peer& peer) const override {
    return !peer.said_its_last && peer.unsent.empty();
  }
  // end lesson
};

}  // namespace echomux::unbounded_buffer
