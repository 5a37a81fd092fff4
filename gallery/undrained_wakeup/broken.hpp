#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <utility>

#include "echo/echo_session.hpp"
#include "echo/system_call.hpp"
#include "gallery/support/epoll_server.hpp"

namespace echomux::undrained_wakeup {

struct Peer {
  explicit Peer(FileDescriptor socket) noexcept : session(std::move(socket)) {}

  EchoSession session;
  bool unfinished = false;  // its turn was over before it had nothing more to do
};

// Edge-triggered for peers. No edge tells of one whose turn is over before EAGAIN: a byte in a pipe
// wakes the next wait.
class Broken : public EpollServer<Peer> {
 public:
  Broken(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
         Counters& counters)
      : EpollServer(std::move(listener), std::move(stop), options, counters) {
    std::array<int, 2> ends{};
    check(::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC), "pipe2");
    wake_reader_ = FileDescriptor(ends[0]);
    wake_writer_ = FileDescriptor(ends[1]);
    check(epoll_.add(wake_reader_.get(), EPOLLIN), "epoll_ctl");
  }

 protected:
  // lesson: bug
  void serve_peer(int fd, std::uint32_t /*events*/) override {
    if (fd == wake_reader_.get()) return serve_unfinished();
    Peer* const peer = peers_.find(fd);
    if (peer == nullptr) return;  // unfinished, it has just been served, and was closed
    Outcome outcome = Outcome::progressed;
    for (int i = 0; i < pumps_per_turn && outcome == Outcome::progressed; ++i) {
      outcome = peer->session.pump(buffer_, counters_);
    }
    if (outcome == Outcome::closed) return remove(fd);
    peer->unfinished = outcome == Outcome::progressed;
    // A full pipe wakes just as well.
    if (peer->unfinished) static_cast<void>(::write(wake_writer_.get(), "", 1) < 0);
  }

  virtual void serve_unfinished() {
    for (int fd = 0; fd < peers_.end(); ++fd) {
      const Peer* const peer = peers_.find(fd);
      if (peer != nullptr && peer->unfinished) serve_peer(fd, 0);
    }
  }
  // end lesson

  [[nodiscard]] std::uint32_t peer_events() const override {
    return EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  }

  static constexpr int pumps_per_turn = 4;
  FileDescriptor wake_reader_;
  FileDescriptor wake_writer_;
  std::array<std::byte, std::size_t{4} * 1024> buffer_{};
};

}  // namespace echomux::undrained_wakeup
