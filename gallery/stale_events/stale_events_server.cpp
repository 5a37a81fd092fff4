#include <poll.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>

#include "echo/accept.hpp"
#include "echo/backend.hpp"
#include "echo/echo_session.hpp"
#include "echo/stop_event.hpp"
#include "echo/system_call.hpp"
#include "gallery/support/epoll_set.hpp"
#include "gallery/support/listener.hpp"
#include "gallery/support/peer_table.hpp"

namespace echomux::GALLERY_TWIN {
namespace {

constexpr std::uint64_t no_limit = std::numeric_limits<std::uint64_t>::max();

// Level-triggered. When --max-connections are open, it makes room for a newcomer if it can: some
// peer may be gone without having had its turn yet.
class Server {
 public:
  Server(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
         Counters& counters)
      : counters_(counters),
        epoll_(counters),
        stop_event_(std::move(stop)),
        listener_(std::move(listener), no_limit, epoll_, counters),
        max_connections_(options.max_connections) {
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
  // lesson: bug
  void serve_peer(int fd, std::uint32_t events) {
    EchoSession* const session = peers_.find(fd);
    if (session == nullptr) return;  // it has made room for another in this very turn
    if ((events & (EPOLLERR | EPOLLHUP)) != 0) return drop(fd);
    const bool owed = session->owes();
    const Outcome outcome = session->pump({scratch_.get(), scratch_bytes}, counters_);
    if (outcome == Outcome::closed) return peers_.remove(fd);
    if (session->owes() == owed) return;
    if (epoll_.modify(fd, session->owes() ? EPOLLOUT : EPOLLIN) < 0) drop(fd);
  }

  // Closes the first peer that is gone; false when all are there.
  bool make_room() {
    for (int fd = 0; fd < peers_.end(); ++fd) {
      if (peers_.find(fd) == nullptr) continue;
      pollfd peer{.fd = fd, .events = 0, .revents = 0};
      if (::poll(&peer, 1, 0) != 1) continue;
      drop(fd);
      return true;
    }
    return false;
  }

  void drop(int fd) {
    counters_.peer_errors.add();
    counters_.closed.add();
    peers_.remove(fd);
  }
  // end lesson

  void accept_waiting() {
    listener_.accept_waiting([this](FileDescriptor socket) { add_peer(std::move(socket)); });
  }

  void add_peer(FileDescriptor socket) {
    const int fd = socket.get();
    if (open_connections(counters_) > max_connections_ && !make_room()) {
      turn_away(counters_, too_many_connections);
    } else if (peers_.add(std::move(socket)) == nullptr) {
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
  PeerTable<EchoSession> peers_;
  std::uint64_t max_connections_;
  std::unique_ptr<std::byte[]> scratch_ = make_scratch();
};

}  // namespace

void serve_stale_events(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                        ServerStats& stats) {
  Server(std::move(listener), std::move(stop), options, stats.main()).run();
}

}  // namespace echomux::GALLERY_TWIN
