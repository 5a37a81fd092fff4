#include "echo/echo_session.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
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

// Whether it is this server that has shut the connection down, as one that blocks does at its stop.
// A reset, which is the peer's doing, would have left it in TCP_CLOSE.
bool is_shut_down_by_us(int fd) noexcept {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0) return false;
  return info.tcpi_state == TCP_FIN_WAIT1 || info.tcpi_state == TCP_FIN_WAIT2 ||
         info.tcpi_state == TCP_CLOSING || info.tcpi_state == TCP_LAST_ACK ||
         info.tcpi_state == TCP_TIME_WAIT;
}

// lesson: classify-error
// What a failed recv or send means. `blocked` is the answer to EAGAIN.
Outcome classify_error(int fd, Outcome blocked, Counters& counters) noexcept {
  switch (errno) {
    case EAGAIN:
      counters.eagain.add();
      return blocked;
    case EINTR:
      // Not retried here: the loop comes back by itself, and can see a stop request on its way.
      counters.interrupted.add();
      return Outcome::progressed;
    case EPIPE:
      // The end that comes with our own stop is no error of the peer.
      if (is_shut_down_by_us(fd)) {
        counters.closed.add();
        return Outcome::closed;
      }
      [[fallthrough]];
    default:
      // ECONNRESET, EPIPE, ETIMEDOUT and the like end this one peer and nobody else.
      return close_on_error(counters);
  }
}
// end lesson

// lesson: send-once
// One send. MSG_NOSIGNAL, because a peer that is gone must be an error (EPIPE), not a SIGPIPE that
// kills every other peer's server.
ssize_t send_once(int fd, std::span<const std::byte> bytes, Counters& counters) noexcept {
  counters.send_calls.add();
  const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent > 0) counters.bytes_sent.add(static_cast<std::uint64_t>(sent));
  return sent;
}
// end lesson

}  // namespace

Outcome EchoSession::pump(std::span<std::byte> scratch, Counters& counters) noexcept {
  read_short_ = false;
  return owes() ? send_pending(counters) : receive_and_send(scratch, counters);
}

// lesson: receive-and-send
Outcome EchoSession::receive_and_send(std::span<std::byte> scratch, Counters& counters) noexcept {
  counters.recv_calls.add();
  const ssize_t received = ::recv(socket_.get(), scratch.data(), scratch.size(), 0);
  if (received < 0) return classify_error(socket_.get(), Outcome::want_read, counters);
  if (received == 0) {
    // The peer's end of input. Nothing is pending, so everything has been answered: now comes our
    // own end. The kernel still delivers what is in its send buffer after close().
    counters.closed.add();
    return Outcome::closed;
  }
  const auto bytes = scratch.first(static_cast<std::size_t>(received));
  counters.bytes_received.add(bytes.size());
  read_short_ = bytes.size() < scratch.size();
  idle_.moved();

  const ssize_t sent = send_once(socket_.get(), bytes, counters);
  Outcome outcome = Outcome::progressed;
  if (sent < 0) {
    outcome = classify_error(socket_.get(), Outcome::want_write, counters);
    if (outcome == Outcome::closed) return outcome;
  }
  // A short send is not yet EAGAIN: `progressed`, so that an edge-triggered loop tries once more
  // and learns from EAGAIN that it will be told when there is room.
  const auto unsent = bytes.subspan(static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
  if (!unsent.empty() && !keep(unsent)) return close_on_error(counters);
  return outcome;
}
// end lesson

// lesson: send-pending
Outcome EchoSession::send_pending(Counters& counters) noexcept {
  const std::span<const std::byte> pending(pending_.get() + pending_begin_,
                                           pending_end_ - pending_begin_);
  const ssize_t sent = send_once(socket_.get(), pending, counters);
  if (sent < 0) return classify_error(socket_.get(), Outcome::want_write, counters);
  pending_begin_ = (pending_begin_ + static_cast<std::uint32_t>(sent)) & 0x7fff'ffffU;  // 31 bits
  idle_.moved();
  if (!owes()) {
    // An idle peer holds no memory.
    pending_.reset();
    pending_begin_ = 0;
    pending_end_ = 0;
  }
  return Outcome::progressed;
}
// end lesson

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
