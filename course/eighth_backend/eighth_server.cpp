// The eighth server: yours. README.md beside this file goes through the steps.
#include "course/eighth_backend/eighth_server.hpp"

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <memory>
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
    // Step 1: watch the listener, too, level-triggered.
  }

  void run() {
    std::array<epoll_event, 64> events{};
    for (;;) {
      for (const epoll_event& event : std::span(events).first(wait(events))) {
        const int fd = event.data.fd;
        if (fd == stop_event_.fd()) return;
        // Step 1: when it is the listener, accept_waiting().
        // Step 3: when it is a peer, serve_peer(fd).
      }
      // Step 4: while accepting is paused, try again: nothing tells when it would work.
    }
  }

 private:
  // Sleeps until something is ready and returns how many events there are.
  std::size_t wait(std::span<epoll_event> events) {
    counters_.waits.add();
    // Step 4: while accepting is paused, sleep for accept_retry_interval at most.
    const int ready =
        ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
    if (ready < 0 && errno != EINTR) throw_errno("epoll_wait");
    const auto count = static_cast<std::size_t>(ready < 0 ? 0 : ready);
    counters_.descriptors_scanned.add(count);
    counters_.events.add(count);
    return count;
  }

  void accept_waiting() {
    // Step 1: accept_peers() (echo/accept.hpp) calls add_peer with each newcomer's socket.
    // Step 4: when it was out of resources, stop watching the listener; else watch it again.
  }

  void add_peer(FileDescriptor /*socket*/) {
    // Step 2: keep the peer's EchoSession in sessions_, and watch it for EPOLLIN | EPOLLONESHOT.
    // Step 5: when there is no memory for it or epoll_ctl fails, turn_away() and forget it.
  }

  void serve_peer(int /*fd*/) {
    // Step 3: pump() the session once. When it is closed, forget it. Else the kernel has fallen
    // silent about it: ask for one more report (EPOLL_CTL_MOD), of room to send if the session
    // owes its peer something, of input if not.
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
  [[maybe_unused]] std::uint64_t max_connections_;
  Counters& counters_;
  FileDescriptor epoll_{check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")};
  std::vector<std::optional<EchoSession>> sessions_;  // by descriptor
  std::unique_ptr<std::byte[]> scratch_ = make_scratch();
};

}  // namespace

void serve_eighth(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                  ServerStats& stats) {
  EighthServer(std::move(listener), std::move(stop), options, stats.main()).run();
}

}  // namespace echomux
