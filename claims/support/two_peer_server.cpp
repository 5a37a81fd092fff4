#include "claims/support/two_peer_server.hpp"

#include <sys/socket.h>

#include <array>
#include <chrono>

#include "echo/socket.hpp"
#include "echo/stop_event.hpp"
#include "echo/system_call.hpp"
#include "harness/machine/cpu.hpp"

namespace echomux::claims {

TwoPeerServer::TwoPeerServer(int first, int second, Unsent unsent, std::optional<int> cpu)
    : unsent_(unsent),
      peers_{{.fd = first, .kept = {}}, {.fd = second, .kept = {}}},
      epoll_(check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      scratch_(std::size_t{64} * 1024) {
  for (const Peer& peer : peers_) {
    set_nonblocking(peer.fd);
    watch(peer, EPOLL_CTL_ADD);
  }
  thread_ = std::jthread([this, cpu](const std::stop_token& stop) { run(stop, cpu); });
}

void TwoPeerServer::run(const std::stop_token& stop, std::optional<int> cpu) {
  if (cpu) run_on_cpus({*cpu});
  const StopEvent stopped(stop);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;
  check(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, stopped.fd(), &event), "epoll_ctl");
  std::array<epoll_event, 3> events{};
  while (!stop.stop_requested()) {
    const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), -1);
    for (int i = 0; i < count; ++i) {
      auto* const peer = static_cast<Peer*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (peer != nullptr) serve(*peer, stop);
    }
  }
}

// One turn of a peer: while something is kept for it, nothing more is read from it.
void TwoPeerServer::serve(Peer& peer, const std::stop_token& stop) {
  const bool owed = !peer.kept.empty();
  if (!owed) {
    const ssize_t count = ::recv(peer.fd, scratch_.data(), scratch_.size(), 0);
    if (count == 0 || (count < 0 && errno != EAGAIN)) {
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, peer.fd, nullptr);
      return;
    }
    if (count > 0) peer.kept.assign(scratch_.data(), scratch_.data() + count);
  }
  send_some(peer, stop);
  if (owed == peer.kept.empty()) watch(peer, EPOLL_CTL_MOD);
}

void TwoPeerServer::send_some(Peer& peer, const std::stop_token& stop) {
  while (!peer.kept.empty()) {
    const ssize_t count = ::send(peer.fd, peer.kept.data(), peer.kept.size(), MSG_NOSIGNAL);
    if (count > 0) {
      peer.kept.erase(peer.kept.begin(), peer.kept.begin() + count);
      continue;
    }
    if (unsent_ == Unsent::keeps || errno != EAGAIN || stop.stop_requested()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void TwoPeerServer::watch(const Peer& peer, int operation) {
  epoll_event event{};
  event.events = peer.kept.empty() ? EPOLLIN : EPOLLOUT;
  event.data.ptr = const_cast<Peer*>(&peer);
  check(::epoll_ctl(epoll_.get(), operation, peer.fd, &event), "epoll_ctl");
}

}  // namespace echomux::claims
