#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "echo/accept.hpp"
#include "echo/backend.hpp"
#include "echo/echo_session.hpp"
#include "echo/file_descriptor.hpp"
#include "echo/socket.hpp"
#include "echo/stop_event.hpp"
#include "echo/system_call.hpp"
#include "gallery/support/epoll_set.hpp"
#include "gallery/support/peer_table.hpp"

namespace echomux::GALLERY_TWIN {
namespace {

// Level-triggered.
class Server {
 public:
  Server(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
         Counters& counters)
      : counters_(counters),
        epoll_(counters),
        stop_event_(std::move(stop)),
        listener_(std::move(listener)),
        max_connections_(options.max_connections) {
    set_nonblocking(listener_.get());
    check(epoll_.add(listener_.get(), EPOLLIN), "epoll_ctl");
    check(epoll_.add(stop_event_.fd(), EPOLLIN), "epoll_ctl");
  }

  void run() {
    for (;;) {
      for (const epoll_event& event : epoll_.wait(-1)) {
        const int fd = event.data.fd;
        if (fd == stop_event_.fd()) return;
        if (fd == listener_.get()) {
          accept_waiting();
        } else {
          serve_peer(fd);
        }
      }
    }
  }

 private:
  // lesson: bug
  void accept_waiting() {
    const AcceptTurn turn =
        accept_peers(listener_.get(), max_connections_, counters_,
                     [this](FileDescriptor socket) { add_peer(std::move(socket)); });
    // Whoever can't be accepted now waits in the backlog.
    if (turn == AcceptTurn::out_of_resources) counters_.accept_pauses.add();
  }
  // end lesson

  void add_peer(FileDescriptor socket) {
    const int fd = socket.get();
    if (peers_.add(std::move(socket)) == nullptr) {
      turn_away(counters_, "no memory for another peer");
    } else if (epoll_.add(fd, EPOLLIN) < 0) {
      turn_away(counters_, "epoll_ctl can watch no more");
      peers_.remove(fd);
    }
  }

  void serve_peer(int fd) {
    EchoSession& session = *peers_.find(fd);
    const bool owed = session.owes();
    const Outcome outcome = session.pump({scratch_.get(), scratch_bytes}, counters_);
    if (outcome == Outcome::closed) return peers_.remove(fd);
    if (session.owes() == owed) return;
    if (epoll_.modify(fd, session.owes() ? EPOLLOUT : EPOLLIN) < 0) drop(fd);
  }

  void drop(int fd) {
    counters_.peer_errors.add();
    counters_.closed.add();
    peers_.remove(fd);
  }

  Counters& counters_;
  EpollSet epoll_;
  StopEvent stop_event_;
  FileDescriptor listener_;
  PeerTable<EchoSession> peers_;
  std::uint64_t max_connections_;
  std::unique_ptr<std::byte[]> scratch_ = make_scratch();
};

}  // namespace

void serve_emfile_spin(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                       ServerStats& stats) {
  Server(std::move(listener), std::move(stop), options, stats.main()).run();
}

}  // namespace echomux::GALLERY_TWIN
