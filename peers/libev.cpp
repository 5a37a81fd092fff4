// An echo server on libev: watchers and callbacks over the program's own system calls.
//
//   libev PORT
//
// The library waits; to read, to write and to buffer is left to us. So it is epoll_lt again, with
// callbacks in place of the loop. Backpressure: while something could not be sent, only EV_WRITE is
// watched.
#include <arpa/inet.h>
#include <ev.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

std::array<char, 65536> scratch;  // one thread: all peers share it

struct Peer {
  ev_io watcher{};
  std::string unsent;
};

void close_peer(struct ev_loop* loop, Peer* peer) {
  ev_io_stop(loop, &peer->watcher);
  ::close(peer->watcher.fd);
  delete peer;
}

void watch_for(struct ev_loop* loop, Peer* peer, int events) {
  if ((peer->watcher.events & (EV_READ | EV_WRITE)) == events) return;
  ev_io_stop(loop, &peer->watcher);
  ev_io_set(&peer->watcher, peer->watcher.fd, events);
  ev_io_start(loop, &peer->watcher);
}

bool would_block() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

// Sends what it can, and keeps the rest. False when the peer is lost.
bool send_some(Peer* peer, const char* data, std::size_t size) {
  const ssize_t sent = ::send(peer->watcher.fd, data, size, MSG_NOSIGNAL);
  if (sent < 0 && !would_block()) return false;
  const std::size_t done = sent < 0 ? 0 : static_cast<std::size_t>(sent);
  peer->unsent = std::string(data + done, size - done);
  return true;
}

void on_ready(struct ev_loop* loop, ev_io* watcher, int /*events*/) {
  auto* const peer = static_cast<Peer*>(watcher->data);
  if (!peer->unsent.empty()) {
    const std::string unsent = std::move(peer->unsent);
    if (!send_some(peer, unsent.data(), unsent.size())) return close_peer(loop, peer);
  } else {
    const ssize_t received = ::recv(watcher->fd, scratch.data(), scratch.size(), 0);
    if (received < 0 && would_block()) return;
    if (received <= 0) return close_peer(loop, peer);
    if (!send_some(peer, scratch.data(), static_cast<std::size_t>(received))) {
      return close_peer(loop, peer);
    }
  }
  watch_for(loop, peer, peer->unsent.empty() ? EV_READ : EV_WRITE);
}

// Watches for newcomers again.
void on_pause_over(struct ev_loop* loop, ev_timer* pause, int /*events*/) {
  ev_timer_stop(loop, pause);
  ev_io_start(loop, static_cast<ev_io*>(pause->data));
}

void on_connection(struct ev_loop* loop, ev_io* watcher, int /*events*/) {
  const int fd = ::accept4(watcher->fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    if (would_block() || errno == ECONNABORTED) return;
    // A newcomer waits that can't be accepted, mostly for want of descriptors: it would be reported
    // again and again.
    ev_io_stop(loop, watcher);
    auto* const pause = static_cast<ev_timer*>(watcher->data);
    pause->repeat = 0.1;
    ev_timer_again(loop, pause);
    return;
  }
  auto* const peer = new Peer;
  ev_io_init(&peer->watcher, on_ready, fd, EV_READ);
  peer->watcher.data = peer;
  ev_io_start(loop, &peer->watcher);
}

void on_signal(struct ev_loop* loop, ev_signal* /*watcher*/, int /*events*/) {
  ev_break(loop, EVBREAK_ALL);
}

int listen_on(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // Accepted sockets have these two from their listener.
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0 ||
      ::listen(fd, SOMAXCONN) < 0) {
    std::perror("libev: listen");
    std::exit(1);
  }
  return fd;
}

// 0 for what is no port.
std::uint16_t port_in(std::string_view text) {
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, port);
  return error == std::errc{} && rest == end ? port : 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint16_t port = argc == 2 ? port_in(argv[1]) : 0;
  if (port == 0) {
    std::fputs("usage: libev PORT\n", stderr);
    return 2;
  }
  struct ev_loop* const loop = ev_default_loop(EVBACKEND_EPOLL);
  std::array<ev_signal, 2> signals{};
  ev_signal_init(&signals[0], on_signal, SIGTERM);
  ev_signal_init(&signals[1], on_signal, SIGINT);
  for (ev_signal& watcher : signals) ev_signal_start(loop, &watcher);
  ev_io listener{};
  ev_io_init(&listener, on_connection, listen_on(port), EV_READ);
  ev_timer pause{};
  ev_init(&pause, on_pause_over);
  listener.data = &pause;
  pause.data = &listener;
  ev_io_start(loop, &listener);
  ev_run(loop, 0);
}
