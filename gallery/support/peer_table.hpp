#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "echo/file_descriptor.hpp"

namespace echomux {

// The peers of an exhibit by their descriptors. `Peer` is made from a FileDescriptor, which it
// owns.
template <typename Peer>
class PeerTable {
 public:
  // nullptr when there is no memory for another; its socket is closed then.
  Peer* add(FileDescriptor socket) noexcept {
    const auto slot = static_cast<std::size_t>(socket.get());
    try {
      if (slot >= peers_.size()) peers_.resize(slot + 1);
      peers_[slot] = std::make_unique<Peer>(std::move(socket));
      return peers_[slot].get();
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
  }

  // nullptr when there is no such peer.
  [[nodiscard]] Peer* find(int fd) const noexcept {
    const auto slot = static_cast<std::size_t>(fd);
    return slot < peers_.size() ? peers_[slot].get() : nullptr;
  }

  // No peer has this descriptor or a higher one.
  [[nodiscard]] int end() const noexcept { return static_cast<int>(peers_.size()); }

  // Hands over a peer, whose place is empty from then on.
  [[nodiscard]] std::unique_ptr<Peer> take(int fd) noexcept {
    return std::move(peers_[static_cast<std::size_t>(fd)]);
  }

  // Closes the peer's socket with the last of what it owns.
  void remove(int fd) noexcept { static_cast<void>(take(fd)); }

 private:
  std::vector<std::unique_ptr<Peer>> peers_;
};

}  // namespace echomux
