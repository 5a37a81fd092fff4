#include <cstddef>
#include <cstdint>
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

constexpr int pumps_per_turn = 4;

// Level-triggered; receives until EAGAIN.
class Server {
 public:
  Server(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
         Counters& counters)
      : counters_(counters),
        epoll_(counters),
        stop_event_(std::move(stop)),
        listener_(std::move(listener), options.max_connections, epoll_, counters),
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
          serve_peer(fd);
        }
      }
      if (listener_.is_paused()) accept_waiting();
    }
  }

 private:
  // lesson: bug
  void accept_waiting() {
    for (int i = 0; i < accept_budget; ++i) {
      // The listener is non-blocking, and so is what it accepts.
      AcceptResult result = accept_peer(listener_.fd(), SocketMode::blocking, counters_);
      if (result.status == AcceptStatus::none_waiting) return listener_.pause(false);
      if (result.status == AcceptStatus::out_of_resources) return listener_.pause(true);
      if (result.status == AcceptStatus::accepted) add_peer(std::move(result.socket));
    }
  }

  void serve_peer(int fd) {
    EchoSession& session = *peers_.find(fd);
    const bool owed = session.owes();
    // Until EAGAIN, which saves wake-ups; the others get their turn after a few at the latest.
    Outcome outcome = Outcome::progressed;
    for (int i = 0; i < pumps_per_turn && outcome == Outcome::progressed; ++i) {
      outcome = session.pump({scratch_.get(), scratch_bytes}, counters_);
    }
    if (outcome == Outcome::closed) return peers_.remove(fd);
    if (session.owes() == owed) return;
    if (epoll_.modify(fd, session.owes() ? EPOLLOUT : EPOLLIN) < 0) drop(fd);
  }
  // end lesson

  void drop(int fd) {
    counters_.peer_errors.add();
    counters_.closed.add();
    peers_.remove(fd);
  }

  void add_peer(FileDescriptor socket) {
    const int fd = socket.get();
    if (open_connections(counters_) > max_connections_) {
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

void serve_blocking_descriptor(FileDescriptor listener, std::stop_token stop,
                               const ServerOptions& options, ServerStats& stats) {
  Server(std::move(listener), std::move(stop), options, stats.main()).run();
}

}  // namespace echomux::GALLERY_TWIN
