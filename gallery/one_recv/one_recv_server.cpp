#include <array>
#include <cstddef>
#include <cstdint>
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

constexpr std::uint32_t all_edges = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

// Edge-triggered for peers, level-triggered for its listener.
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
    const Outcome outcome = peers_.find(fd)->pump(buffer_, counters_);
    if (outcome == Outcome::closed) peers_.remove(fd);
  }
  // end lesson

  void accept_waiting() {
    listener_.accept_waiting([this](FileDescriptor socket) { add_peer(std::move(socket)); });
  }

  void add_peer(FileDescriptor socket) {
    const int fd = socket.get();
    if (peers_.add(std::move(socket)) == nullptr) {
      turn_away(counters_, "no memory for another peer");
    } else if (epoll_.add(fd, all_edges) < 0) {
      turn_away(counters_, "epoll_ctl can watch no more");
      peers_.remove(fd);
    }
  }

  Counters& counters_;
  EpollSet epoll_;
  StopEvent stop_event_;
  Listener listener_;
  PeerTable<EchoSession> peers_;
  std::array<std::byte, 1024> buffer_{};  // as long as any message, or so it is thought
};

}  // namespace

void serve_one_recv(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                    ServerStats& stats) {
  Server(std::move(listener), std::move(stop), options, stats.main()).run();
}

}  // namespace echomux::GALLERY_TWIN
