#pragma once

#include "gallery/blocking_descriptor/broken.hpp"

namespace echomux::blocking_descriptor {

class Mended : public Broken {
 public:
  using Broken::Broken;

 private:
  // lesson: mended
  // On Linux no accepted socket inherits O_NONBLOCK: it has to be asked for (accept4).
  [[nodiscard]] SocketMode peer_mode() const override { return SocketMode::nonblocking; }
  // end lesson
};

}  // namespace echomux::blocking_descriptor
