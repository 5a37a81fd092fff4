#pragma once

#include <cstdint>
#include <span>
#include <stop_token>
#include <utility>

#include "echo/accept.hpp"
#include "echo/backend.hpp"
#include "echo/stop_event.hpp"
#include "echo/system_call.hpp"
#include "gallery/support/epoll_set.hpp"
#include "gallery/support/listener.hpp"
#include "gallery/support/peer_table.hpp"

namespace echomux {

// What most exhibits share: a loop around epoll_wait, level-triggered, whose peers are by their
// descriptors in peers_. An exhibit says what becomes of a peer that is ready, and overrides what
// else its bug is in.
template <typename Peer>
class EpollServer {
 public:
  // Throws std::system_error when there is no descriptor to be had.
  EpollServer(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
              Counters& counters, std::uint32_t listener_events = EPOLLIN)
      : counters_(counters),
        epoll_(counters),
        stop_event_(std::move(stop)),
        listener_(std::move(listener), options.max_connections, epoll_, counters, listener_events) {
    check(epoll_.add(stop_event_.fd(), EPOLLIN), "epoll_ctl");
  }
  virtual ~EpollServer() = default;
  EpollServer(const EpollServer&) = delete;
  EpollServer& operator=(const EpollServer&) = delete;

  // Serves until a stop is requested. Throws std::system_error when waiting itself fails.
  void run() {
    for (;;) {
      for (const epoll_event& event : wait()) {
        const int fd = event.data.fd;
        if (fd == stop_event_.fd()) return;
        if (fd == listener_.fd()) {
          accept_waiting();
        } else {
          serve_peer(fd, event.events);
        }
      }
    }
  }

 protected:
  // The descriptor is ready for these events.
  virtual void serve_peer(int fd, std::uint32_t events) = 0;

  // Sleeps until something is ready, or until it is time to try again to accept. A descriptor may
  // come free anywhere in the system, and nothing tells of it: so it just asks.
  // lesson: wait
  virtual std::span<const epoll_event> wait() {
    if (listener_.is_paused()) accept_waiting();
    return epoll_.wait(listener_.retry_ms());
  }
  // end lesson

  // lesson: accept-waiting
  virtual void accept_waiting() {
    listener_.accept_waiting([this](FileDescriptor socket) { add_peer(std::move(socket)); });
  }
  // end lesson

  virtual void add_peer(FileDescriptor socket) {
    const int fd = socket.get();
    if (peers_.add(std::move(socket)) == nullptr) {
      turn_away(counters_, "no memory for another peer");
    } else if (epoll_.add(fd, peer_events()) < 0) {
      turn_away(counters_, "epoll_ctl can watch no more");
      remove(fd);
    }
  }

  // What a peer is watched for that is owed nothing.
  // lesson: peer-events
  [[nodiscard]] virtual std::uint32_t peer_events() const { return EPOLLIN; }
  // end lesson

  // Forgets the peer, and closes its socket.
  virtual void remove(int fd) { peers_.remove(fd); }

  virtual void close(int fd) {
    counters_.closed.add();
    remove(fd);
  }

  // lesson: close-on-error
  virtual void close_on_error(int fd) {
    counters_.peer_errors.add();
    close(fd);
  }
  // end lesson

  Counters& counters_;
  EpollSet epoll_;
  StopEvent stop_event_;
  Listener listener_;
  PeerTable<Peer> peers_;
};

}  // namespace echomux
