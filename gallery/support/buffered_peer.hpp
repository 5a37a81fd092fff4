#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "echo/file_descriptor.hpp"
#include "gallery/support/epoll_set.hpp"

namespace echomux {

// A peer of an exhibit that receives and sends by itself. It has a buffer of its own, and while
// something in there is unsent it is not read again.
struct BufferedPeer {
  explicit BufferedPeer(FileDescriptor connection) noexcept : socket(std::move(connection)) {}

  FileDescriptor socket;
  std::span<const std::byte> unsent;  // of the buffer: received, and still to be sent
  std::uint32_t watched = EPOLLIN;    // what it is in the epoll set for
  std::array<std::byte, std::size_t{16} * 1024> buffer;
};

// Watches the peer for `events`, if it doesn't already; -1 and errno when it can't.
inline int watch(EpollSet& epoll, BufferedPeer& peer, std::uint32_t events) noexcept {
  if (peer.watched == events) return 0;
  peer.watched = events;
  return epoll.modify(peer.socket.get(), events);
}

}  // namespace echomux
