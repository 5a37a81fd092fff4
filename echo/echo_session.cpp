#include "echo/echo_session.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <new>

namespace echomux {
namespace {

Outcome close_on_error(Counters& counters) noexcept {
  counters.peer_errors.add();
  counters.closed.add();
  return Outcome::closed;
}

// What a failed recv or send means. `blocked` is the answer to EAGAIN.
Outcome classify_error(Outcome blocked, Counters& counters) noexcept {
  switch (errno) {
    case EAGAIN:
      counters.eagain.add();
      return blocked;
    case EINTR:
      // Not retried here: the loop comes back by itself, and can see a stop request on its way.
      counters.interrupted.add();
      return Outcome::progressed;
    default:
      // ECONNRESET, EPIPE, ETIMEDOUT and the like end this one peer and nobody else.
      return close_on_error(counters);
  }
}

// One send. MSG_NOSIGNAL, for a peer that is gone must be an error (EPIPE), not a SIGPIPE that
// kills every other peer's server.
ssize_t send_once(int fd, std::span<const std::byte> bytes, Counters& counters) noexcept {
  counters.send_calls.add();
  const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent > 0) counters.bytes_sent.add(static_cast<std::uint64_t>(sent));
  return sent;
}

}  // namespace

Outcome EchoSession::pump(std::span<std::byte> scratch, Counters& counters) noexcept {
  return owes() ? send_pending(counters) : receive_and_send(scratch, counters);
}

Outcome EchoSession::receive_and_send(std::span<std::byte> scratch, Counters& counters) noexcept {
  counters.recv_calls.add();
  const ssize_t received = ::recv(socket_.get(), scratch.data(), scratch.size(), 0);
  if (received < 0) return classify_error(Outcome::want_read, counters);
  if (received == 0) {
    // The peer's end of input. Nothing is pending, so everything has been answered: now comes our
    // own end. The kernel still delivers what is in its send buffer after close().
    counters.closed.add();
    return Outcome::closed;
  }
  const auto bytes = scratch.first(static_cast<std::size_t>(received));
  counters.bytes_received.add(bytes.size());

  const ssize_t sent = send_once(socket_.get(), bytes, counters);
  Outcome outcome = Outcome::progressed;
  if (sent < 0) {
    outcome = classify_error(Outcome::want_write, counters);
    if (outcome == Outcome::closed) return outcome;
  }
  // A short send is not yet EAGAIN: `progressed`, so that an edge-triggered loop tries once more
  // and learns from EAGAIN that it will be told when there is room.
  const auto unsent = bytes.subspan(static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
  if (!unsent.empty() && !keep(unsent)) return close_on_error(counters);
  return outcome;
}

Outcome EchoSession::send_pending(Counters& counters) noexcept {
  const std::span<const std::byte> pending(pending_.get() + pending_begin_,
                                           pending_end_ - pending_begin_);
  const ssize_t sent = send_once(socket_.get(), pending, counters);
  if (sent < 0) return classify_error(Outcome::want_write, counters);
  pending_begin_ += static_cast<std::uint32_t>(sent);
  if (!owes()) {
    // An idle peer holds no memory.
    pending_.reset();
    pending_begin_ = pending_end_ = 0;
  }
  return Outcome::progressed;
}

bool EchoSession::keep(std::span<const std::byte> unsent) noexcept {
  assert(!owes() && unsent.size() <= scratch_bytes);
  pending_.reset(new (std::nothrow) std::byte[unsent.size()]);
  if (pending_ == nullptr) return false;
  std::copy(unsent.begin(), unsent.end(), pending_.get());
  pending_begin_ = 0;
  pending_end_ = static_cast<std::uint32_t>(unsent.size());
  return true;
}

}  // namespace echomux
