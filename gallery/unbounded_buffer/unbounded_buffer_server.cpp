#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <new>
#include <span>
#include <utility>
#include <vector>

#include "echo/accept.hpp"
#include "echo/backend.hpp"
#include "echo/file_descriptor.hpp"
#include "echo/stop_event.hpp"
#include "echo/system_call.hpp"
#include "gallery/support/counted_calls.hpp"
#include "gallery/support/epoll_set.hpp"
#include "gallery/support/listener.hpp"
#include "gallery/support/peer_table.hpp"

namespace echomux::GALLERY_TWIN {
namespace {

struct Peer {
  explicit Peer(FileDescriptor connection) noexcept : socket(std::move(connection)) {}

  FileDescriptor socket;
  std::list<std::vector<std::byte>> unsent;
  std::size_t sent = 0;  // of the first of these
  bool said_its_last = false;
  std::uint32_t watched = EPOLLIN;
};

// Level-triggered. Receives whenever something has come, and sends whenever there is room.
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
          serve_peer(fd, event.events);
        }
      }
      if (listener_.is_paused()) accept_waiting();
    }
  }

 private:
  void serve_peer(int fd, std::uint32_t events) {
    Peer& peer = *peers_.find(fd);
    if ((events & EPOLLIN) != 0 && !receive(peer)) return close_on_error(fd);
    if ((events & EPOLLOUT) != 0 && !send(peer)) return close_on_error(fd);
    if (peer.said_its_last && peer.unsent.empty()) return close(fd);
    if (watch(peer) < 0) close_on_error(fd);
  }

  // lesson: bug
  bool receive(Peer& peer) {
    const ssize_t received = receive_once(peer.socket.get(), buffer_, counters_);
    if (received < 0) return only_for_now();
    if (received == 0) {
      peer.said_its_last = true;
      return true;
    }
    std::span<const std::byte> rest = std::span(buffer_).first(static_cast<std::size_t>(received));
    if (peer.unsent.empty()) {
      const ssize_t sent = send_once(peer.socket.get(), rest, counters_);
      if (sent < 0 && !only_for_now()) return false;
      if (sent > 0) rest = rest.subspan(static_cast<std::size_t>(sent));
    }
    try {
      if (!rest.empty()) peer.unsent.emplace_back(rest.begin(), rest.end());
    } catch (const std::bad_alloc&) {
      return false;
    }
    return true;
  }

  int watch(Peer& peer) {
    const bool wants_input = !peer.said_its_last;
    const std::uint32_t events =
        (wants_input ? EPOLLIN : 0U) | (peer.unsent.empty() ? 0U : EPOLLOUT);
    if (std::exchange(peer.watched, events) == events) return 0;
    return epoll_.modify(peer.socket.get(), events);
  }
  // end lesson

  // Sends the first of what is unsent.
  bool send(Peer& peer) {
    const std::span<const std::byte> rest = std::span(peer.unsent.front()).subspan(peer.sent);
    const ssize_t sent = send_once(peer.socket.get(), rest, counters_);
    if (sent < 0) return only_for_now();
    peer.sent += static_cast<std::size_t>(sent);
    if (peer.sent == peer.unsent.front().size()) {
      peer.unsent.pop_front();
      peer.sent = 0;
    }
    return true;
  }

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
  PeerTable<Peer> peers_;
  std::array<std::byte, std::size_t{16} * 1024> buffer_;
};

}  // namespace

void serve_unbounded_buffer(FileDescriptor listener, std::stop_token stop,
                            const ServerOptions& options, ServerStats& stats) {
  Server(std::move(listener), std::move(stop), options, stats.main()).run();
}

}  // namespace echomux::GALLERY_TWIN
