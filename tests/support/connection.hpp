#pragma once

#include <string>
#include <string_view>

#include "echo/accept.hpp"
#include "echo/socket.hpp"
#include "tests/support/peer.hpp"

namespace echomux {

// A socket that listens on any free port of 127.0.0.1, without blocking.
[[nodiscard]] inline FileDescriptor local_listener() {
  FileDescriptor listener = listen_on(resolve("127.0.0.1", 0));
  set_nonblocking(listener.get());
  return listener;
}

// A TCP connection within this process: `peer` is the client's end, `socket` the one that a server
// gets from accept_peer().
struct Connection {
  explicit Connection(SocketMode mode = SocketMode::nonblocking, const Peer::Buffers& buffers = {})
      : peer(local_endpoint(listener.get()), buffers) {
    Counters counters;
    // Connected on the loopback device means in the backlog already.
    socket = accept_peer(listener.get(), mode, counters).socket;
  }

  FileDescriptor listener = local_listener();
  Peer peer;
  FileDescriptor socket;
};

}  // namespace echomux
