#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "echo/file_descriptor.hpp"
#include "echo/idle_watch.hpp"
#include "echo/server_stats.hpp"

namespace echomux {

// What EchoSession::pump found out, for the server's loop to translate into its own way of waiting.
enum class Outcome : std::uint8_t {
  progressed,  // bytes moved, or a signal interrupted: calling again may move more
  want_read,   // nothing to receive now (EAGAIN)
  want_write,  // no room to send what is pending (EAGAIN)
  closed,      // the peer is done or gone: destroy the session
};

// The size of the buffer that a server lends to pump(), and so the most that is ever held for one
// peer. Smaller ones cost throughput: each buffer costs a recv, a send and a wake-up.
inline constexpr std::size_t scratch_bytes = std::size_t{64} * 1024;

// A buffer for pump(); not zeroed, since zeroing would touch pages that may never be used.
[[nodiscard]] inline std::unique_ptr<std::byte[]> make_scratch() {
  return std::make_unique_for_overwrite<std::byte[]>(scratch_bytes);
}

// The echo of one peer (RFC 862), without any waiting. Owns the peer's socket, which only the
// destructor closes. Holds no buffer while the peer is idle: bytes are received into the server's
// scratch buffer and sent from there; only what could not be sent is kept, and while something is
// kept the peer is not read. That is the backpressure which bounds memory whatever a peer does.
// Works on blocking and non-blocking sockets. Not for sharing between threads.
class EchoSession {
 public:
  explicit EchoSession(FileDescriptor socket) noexcept : socket_(std::move(socket)) {}

  // Sends what is pending; or else receives once into `scratch` and sends that once, keeping only
  // what could not be sent. At most two system calls. Never throws: a failure of the peer, or of
  // memory for it, is counted and answered with `closed`.
  [[nodiscard]] Outcome pump(std::span<std::byte> scratch, Counters& counters) noexcept;

  // True while something received is still to be sent: then wait for room to write, else for input.
  [[nodiscard]] bool owes() const noexcept { return pending_begin_ != pending_end_; }

  // Whether the last pump() received less than there was room for: then nothing more was there at
  // that moment, unless an urgent byte or the end of input ended the read early.
  [[nodiscard]] bool read_was_short() const noexcept { return read_short_; }

  // For a server with an idle time-out: see IdleWatch. Then the session is to be destroyed.
  [[nodiscard]] bool has_gone_idle(Counters& counters) noexcept {
    return idle_.has_gone_idle(socket_.get(), owes(), counters);
  }

  [[nodiscard]] int fd() const noexcept { return socket_.get(); }

 private:
  Outcome receive_and_send(std::span<std::byte> scratch, Counters& counters) noexcept;
  Outcome send_pending(Counters& counters) noexcept;
  bool keep(std::span<const std::byte> unsent) noexcept;

  FileDescriptor socket_;
  IdleWatch idle_;  // stands where alignment would leave a gap
  std::uint32_t read_short_ : 1 = 0;
  // pending_[pending_begin_, pending_end_) is still to be sent; at most scratch_bytes.
  std::uint32_t pending_begin_ : 31 = 0;
  std::uint32_t pending_end_ = 0;
  std::unique_ptr<std::byte[]> pending_;
};

}  // namespace echomux
