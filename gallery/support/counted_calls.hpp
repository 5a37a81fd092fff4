#pragma once

#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>

#include "echo/server_stats.hpp"

namespace echomux {

// Counts what a recv(2) or send(2) that returned `result` came to, and passes it on. errno stays.
inline ssize_t count_received(ssize_t result, Counters& counters) noexcept {
  counters.recv_calls.add();
  if (result > 0) counters.bytes_received.add(static_cast<std::uint64_t>(result));
  if (result < 0 && errno == EAGAIN) counters.eagain.add();
  return result;
}
inline ssize_t count_sent(ssize_t result, Counters& counters) noexcept {
  counters.send_calls.add();
  if (result > 0) counters.bytes_sent.add(static_cast<std::uint64_t>(result));
  if (result < 0 && errno == EAGAIN) counters.eagain.add();
  return result;
}

// One recv and one send, counted. What they return is what the calls return.
inline ssize_t receive_once(int fd, std::span<std::byte> buffer, Counters& counters) noexcept {
  return count_received(::recv(fd, buffer.data(), buffer.size(), 0), counters);
}
inline ssize_t send_once(int fd, std::span<const std::byte> bytes, Counters& counters) noexcept {
  return count_sent(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL), counters);
}

// For a call that has just failed: whether the connection lives, and the call may be tried again
// when the descriptor is ready.
inline bool only_for_now() noexcept {
  return errno == EAGAIN || errno == EINTR;
}

}  // namespace echomux
