#include <cstddef>
#include <span>
#include <utility>

#include "echo/accept.hpp"
#include "echo/backend.hpp"
#include "echo/stop_event.hpp"
#include "echo/system_call.hpp"
#include "gallery/support/buffered_peer.hpp"
#include "gallery/support/counted_calls.hpp"
#include "gallery/support/epoll_set.hpp"
#include "gallery/support/listener.hpp"
#include "gallery/support/peer_table.hpp"

namespace echomux::GALLERY_TWIN {
namespace {

// Level-triggered. A message is sent before the next is received.
class Server {
 public:
  Server(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
         Counters& counters)
      : counters_(counters),
        epoll_(counters),
        stop_event_(std::move(stop)),
        listener_(std::move(listener), options.max_connections, epoll_, counters) {
    check(epoll_.add(stop_event_.fd(), EPOLLIN), "epoll_ctl");
  }

  void run() {
    for (;;) {
      for (const epoll_event& event : epoll_.wait(listener_.retry_ms())) {
        const int fd = event.data.fd;
        if (fd == stop_event_.fd()) return;
        if (fd == listener_.fd()) {
          accept_waiting();
        } else {
          serve_peer(fd);
        }
      }
      if (listener_.is_paused()) accept_waiting();
    }
  }

 private:
  // lesson: bug
  void serve_peer(int fd) {
    BufferedPeer& peer = *peers_.find(fd);
    const ssize_t received = receive_once(fd, peer.buffer, counters_);
    if (received == 0) return close(fd);
    if (received < 0) return only_for_now() ? void() : close_on_error(fd);
    peer.unsent = std::span(peer.buffer).first(static_cast<std::size_t>(received));
    while (!peer.unsent.empty()) {
      const ssize_t sent = send_once(fd, peer.unsent, counters_);
      if (sent < 0 && !only_for_now()) return close_on_error(fd);
      if (sent > 0) peer.unsent = peer.unsent.subspan(static_cast<std::size_t>(sent));
    }
  }
  // end lesson

  void close(int fd) {
    counters_.closed.add();
    peers_.remove(fd);
  }

  void close_on_error(int fd) {
    counters_.peer_errors.add();
    close(fd);
  }

  void accept_waiting() {
    listener_.accept_waiting([this](FileDescriptor socket) { add_peer(std::move(socket)); });
  }

  void add_peer(FileDescriptor socket) {
    const int fd = socket.get();
    if (peers_.add(std::move(socket)) == nullptr) {
      turn_away(counters_, "no memory for another peer");
    } else if (epoll_.add(fd, EPOLLIN) < 0) {
      turn_away(counters_, "epoll_ctl can watch no more");
      peers_.remove(fd);
    }
  }

  Counters& counters_;
  EpollSet epoll_;
  StopEvent stop_event_;
  Listener listener_;
  PeerTable<BufferedPeer> peers_;
};

}  // namespace

void serve_retry_send(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                      ServerStats& stats) {
  Server(std::move(listener), std::move(stop), options, stats.main()).run();
}

}  // namespace echomux::GALLERY_TWIN
