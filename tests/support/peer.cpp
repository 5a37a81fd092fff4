#include "tests/support/peer.hpp"

#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <array>
#include <stdexcept>

#include "echo/system_call.hpp"

namespace echomux {
namespace {

constexpr std::size_t chunk_bytes = std::size_t{256} * 1024;

void set_option(int socket, int level, int option, int value) {
  check(::setsockopt(socket, level, option, &value, sizeof value), "setsockopt");
}

}  // namespace

Peer::Peer(const Endpoint& server, const Buffers& buffers) : Peer(connecting(server, buffers)) {
  wait_until(POLLOUT, patience, "connect");
  int error = 0;
  socklen_t length = sizeof error;
  check(::getsockopt(fd(), SOL_SOCKET, SO_ERROR, &error, &length), "getsockopt");
  if (error != 0) throw std::system_error(error, std::generic_category(), "connect");
}

Peer Peer::connecting(const Endpoint& server, const Buffers& buffers) {
  constexpr int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
  Peer peer(FileDescriptor(check(::socket(server.family(), type, 0), "socket")));
  // A send of one byte is to be one segment, not to wait for company.
  set_option(peer.fd(), IPPROTO_TCP, TCP_NODELAY, 1);
  // Before connect(2), since the window that is offered to the server depends on it.
  if (buffers.send > 0) set_option(peer.fd(), SOL_SOCKET, SO_SNDBUF, buffers.send);
  if (buffers.receive > 0) set_option(peer.fd(), SOL_SOCKET, SO_RCVBUF, buffers.receive);
  const int result = ::connect(peer.fd(), server.raw(), server.length);
  if (result != 0 && errno != EINPROGRESS) throw_errno("connect");
  return peer;
}

void Peer::send_all(std::string_view bytes) {
  while (!bytes.empty()) {
    wait_until(POLLOUT, patience, "send");
    bytes.remove_prefix(try_send(bytes));
  }
}

void Peer::send_urgent(char byte) {
  wait_until(POLLOUT, patience, "send urgent data");
  check(::send(fd(), &byte, 1, MSG_OOB | MSG_NOSIGNAL), "send urgent data");
}

std::string Peer::receive(std::size_t count, std::chrono::milliseconds limit) {
  std::string received(count, '\0');
  std::span<char> rest(received);
  while (!rest.empty()) {
    wait_until(POLLIN, limit, "receive");
    rest = rest.subspan(try_receive(rest));
  }
  return received;
}

std::string Peer::exchange(std::string_view bytes, std::size_t count) {
  std::string received(count, '\0');
  std::span<char> rest(received);
  while (!bytes.empty() || !rest.empty()) {
    const int wanted = (bytes.empty() ? 0 : POLLOUT) | (rest.empty() ? 0 : POLLIN);
    wait_until(static_cast<short>(wanted), patience, "send or receive");
    if (!bytes.empty()) bytes.remove_prefix(try_send(bytes));
    if (!rest.empty()) rest = rest.subspan(try_receive(rest));
  }
  return received;
}

std::string Peer::read_to_end() {
  std::string received;
  std::vector<char> chunk(chunk_bytes);
  for (;;) {
    wait_until(POLLIN, patience, "receive the end of the stream");
    const ssize_t count = ::recv(fd(), chunk.data(), chunk.size(), 0);
    if (count == 0) return received;
    if (count > 0) {
      received.append(chunk.data(), static_cast<std::size_t>(count));
    } else if (errno != EAGAIN && errno != EINTR) {
      throw_errno("recv before the end of the stream");
    }
  }
}

std::size_t Peer::push_until_stalled(std::string_view bytes, std::chrono::milliseconds quiet) {
  return echomux::push_until_stalled(std::span(this, 1), std::span(&bytes, 1), quiet).front();
}

void Peer::half_close() {
  check(::shutdown(fd(), SHUT_WR), "shutdown");
}

void Peer::reset() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  check(::setsockopt(fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), "setsockopt");
  close();
}

bool Peer::connected() const {
  sockaddr_storage other{};
  socklen_t length = sizeof other;
  return ::getpeername(fd(), reinterpret_cast<sockaddr*>(&other), &length) == 0;
}

bool Peer::answered() const {
  pollfd socket{.fd = fd(), .events = POLLIN, .revents = 0};
  return check(::poll(&socket, 1, 0), "poll") == 1;
}

bool Peer::ended() const {
  char byte = 0;
  const ssize_t count = ::recv(fd(), &byte, 1, MSG_PEEK);
  return count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR);
}

bool Peer::delivered() const {
  int unacknowledged = 0;
  check(::ioctl(fd(), SIOCOUTQ, &unacknowledged), "ioctl SIOCOUTQ");
  return unacknowledged == 0;
}

std::size_t Peer::try_send(std::string_view bytes) {
  const ssize_t count = ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (count >= 0) return static_cast<std::size_t>(count);
  if (errno != EAGAIN && errno != EINTR) throw_errno("send");
  return 0;
}

std::size_t Peer::try_receive(std::span<char> buffer) {
  const ssize_t count = ::recv(fd(), buffer.data(), buffer.size(), 0);
  if (count > 0) return static_cast<std::size_t>(count);
  if (count == 0) throw std::runtime_error("the server ended the connection too early");
  if (errno != EAGAIN && errno != EINTR) throw_errno("recv");
  return 0;
}

void Peer::wait_until(short events, std::chrono::milliseconds limit, const char* what) const {
  pollfd socket{.fd = fd(), .events = events, .revents = 0};
  int ready = 0;
  do {
    ready = ::poll(&socket, 1, static_cast<int>(limit.count()));
  } while (ready < 0 && errno == EINTR);
  if (check(ready, "poll") == 0) {
    throw std::runtime_error("time-out: nothing moved for " + std::to_string(limit.count()) +
                             " ms while waiting to " + what);
  }
}

std::vector<std::size_t> push_until_stalled(std::span<Peer> peers,
                                            std::span<const std::string_view> data,
                                            std::chrono::milliseconds quiet) {
  std::vector<std::size_t> sent(peers.size());
  std::vector<pollfd> watched;
  for (const Peer& peer : peers)
    watched.push_back({.fd = peer.fd(), .events = POLLOUT, .revents = 0});
  while (check(::poll(watched.data(), watched.size(), static_cast<int>(quiet.count())), "poll") >
         0) {
    for (std::size_t i = 0; i < peers.size(); ++i) {
      if (watched[i].revents == 0) continue;
      sent[i] += peers[i].try_send(data[i].substr(sent[i], chunk_bytes));
      if (sent[i] == data[i].size()) watched[i].fd = -1;  // poll(2) passes over it
    }
  }
  return sent;
}

}  // namespace echomux
