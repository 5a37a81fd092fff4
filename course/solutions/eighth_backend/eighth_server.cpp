// The eighth server, written: one way of doing the steps of course/eighth_backend/README.md.
#include "course/eighth_backend/eighth_server.hpp"

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "echo/accept.hpp"
#include "echo/echo_session.hpp"
#include "echo/socket.hpp"
#include "echo/stop_event.hpp"
#include "echo/system_call.hpp"

namespace echomux {
namespace {

class EighthServer {
 public:
  EighthServer(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
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
  // Sleeps until something is ready and returns how many events there are.
  std::size_t wait(std::span<epoll_event> events) {
    counters_.waits.add();
    const int timeout_ms = accept_paused_ ? static_cast<int>(accept_retry_interval.count()) : -1;
    const int ready =
        ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout_ms);
    if (ready < 0 && errno != EINTR) throw_errno("epoll_wait");
    const auto count = static_cast<std::size_t>(ready < 0 ? 0 : ready);
    counters_.descriptors_scanned.add(count);
    counters_.events.add(count);
    return count;
  }

  void accept_waiting() {
    const AcceptTurn turn =
        accept_peers(listener_.get(), max_connections_, counters_,
                     [this](FileDescriptor socket) { add_peer(std::move(socket)); });
    const bool pause = turn == AcceptTurn::out_of_resources;
    if (pause == accept_paused_) return;
    check(set_interest(EPOLL_CTL_MOD, listener_.get(), pause ? 0U : std::uint32_t{EPOLLIN}),
          "epoll_ctl");
    accept_paused_ = pause;
    if (pause) counters_.accept_pauses.add();
  }

  void add_peer(FileDescriptor socket) {
    const int fd = socket.get();
    const auto slot = static_cast<std::size_t>(fd);
    try {
      if (slot >= sessions_.size()) sessions_.resize(slot + 1);
    } catch (const std::bad_alloc&) {
      turn_away(counters_, "no memory for another peer");
      return;
    }
    sessions_[slot].emplace(std::move(socket));
    if (set_interest(EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLONESHOT) < 0) {
      turn_away(counters_, "epoll_ctl can watch no more");
      sessions_[slot].reset();
    }
  }

  // Whatever happened, it has been reported for the last time until the session is armed again.
  void serve_peer(int fd) {
    std::optional<EchoSession>& session = sessions_[static_cast<std::size_t>(fd)];
    const Outcome outcome = session->pump({scratch_.get(), scratch_bytes}, counters_);
    if (outcome == Outcome::closed) {
      session.reset();  // closing a descriptor also takes it out of the epoll set
      return;
    }
    const std::uint32_t next = session->owes() ? EPOLLOUT : EPOLLIN;
    if (set_interest(EPOLL_CTL_MOD, fd, next | EPOLLONESHOT) < 0) {
      counters_.peer_errors.add();
      counters_.closed.add();
      session.reset();
    }
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
  std::unique_ptr<std::byte[]> scratch_ = make_scratch();
  bool accept_paused_ = false;
};

}  // namespace

void serve_eighth(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                  ServerStats& stats) {
  EighthServer(std::move(listener), std::move(stop), options, stats.main()).run();
}

}  // namespace echomux
