#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <optional>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include "echo/accept.hpp"
#include "echo/backend.hpp"
#include "echo/echo_session.hpp"
#include "echo/socket.hpp"
#include "echo/stop_event.hpp"
#include "echo/system_call.hpp"

namespace echomux::GALLERY_TWIN {
namespace {

// Edge-triggered for peers, level-triggered for its listener.
class Server {
 public:
  Server(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
         Counters& counters)
      : listener_(std::move(listener)),
        stop_event_(std::move(stop)),
        max_connections_(options.max_connections),
        counters_(counters) {
    set_nonblocking(listener_.get());
    check(set_interest(EPOLL_CTL_ADD, stop_event_.fd(), EPOLLIN), "epoll_ctl");
    check(set_interest(EPOLL_CTL_ADD, listener_.get(), EPOLLIN), "epoll_ctl");
  }

  void run() {
    std::array<epoll_event, 64> events{};
    for (;;) {
      for (const epoll_event& event : std::span(events).first(wait(events))) {
        const int fd = event.data.fd;
        if (fd == stop_event_.fd()) return;
        if (fd == listener_.get()) {
          accept_waiting();
        } else {
          serve_peer(fd);
        }
      }
      if (accept_paused_) accept_waiting();
    }
  }

 private:
  std::size_t wait(std::span<epoll_event> events) {
    counters_.waits.add();
    const int ready =
        ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                     accept_paused_ ? static_cast<int>(accept_retry_interval.count()) : -1);
    if (ready < 0 && errno != EINTR) throw_errno("epoll_wait");
    return ready < 0 ? 0 : static_cast<std::size_t>(ready);
  }

  void serve_peer(int fd) {
    std::optional<EchoSession>& session = sessions_[static_cast<std::size_t>(fd)];
    const Outcome outcome = session->pump(buffer_, counters_);
    if (outcome == Outcome::closed) session.reset();
  }

  void accept_waiting() {
    const AcceptTurn turn =
        accept_peers(listener_.get(), max_connections_, counters_,
                     [this](FileDescriptor socket) { add_peer(std::move(socket)); });
    const bool pause = turn == AcceptTurn::out_of_resources;
    if (pause == accept_paused_) return;
    check(set_interest(EPOLL_CTL_MOD, listener_.get(), pause ? 0U : EPOLLIN), "epoll_ctl");
    accept_paused_ = pause;
    if (pause) counters_.accept_pauses.add();
  }

  void add_peer(FileDescriptor socket) {
    const int fd = socket.get();
    const auto slot = static_cast<std::size_t>(fd);
    if (slot >= sessions_.size()) sessions_.resize(slot + 1);
    sessions_[slot].emplace(std::move(socket));
    check(set_interest(EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET), "epoll_ctl");
  }

  int set_interest(int operation, int fd, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    counters_.interest_changes.add();
    return ::epoll_ctl(epoll_.get(), operation, fd, &event);
  }

  FileDescriptor listener_;
  StopEvent stop_event_;
  std::uint64_t max_connections_;
  Counters& counters_;
  FileDescriptor epoll_{check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")};
  std::vector<std::optional<EchoSession>> sessions_;  // by descriptor
  std::array<std::byte, 1024> buffer_{};              // as long as any message, or so it is thought
  bool accept_paused_ = false;
};

}  // namespace

void serve_one_recv(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                    ServerStats& stats) {
  Server(std::move(listener), std::move(stop), options, stats.main()).run();
}

}  // namespace echomux::GALLERY_TWIN
