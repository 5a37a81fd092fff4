// Exercise 12: an edge-triggered server that serves whoever has most for longest.
#include "course/exercise.hpp"

namespace echomux {
namespace {

// Small, so that it is plain to see how long a turn takes. Leave it as it is.
constexpr std::size_t buffer_bytes = 256;

class Server {
 public:
  Server(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
         Counters& counters)
      : listener_(std::move(listener)),
        stop_(std::move(stop)),
        stop_event_(stop_),
        max_connections_(options.max_connections),
        counters_(counters) {
    set_nonblocking(listener_.get());
    watch(stop_event_.fd(), EPOLLIN);
    watch(listener_.get(), EPOLLIN);
  }

  void run() {
    while (!stop_.stop_requested()) {
      std::array<epoll_event, 512> events;
      counters_.waits.add();
      const int ready =
          ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
      if (ready < 0 && errno != EINTR) throw_errno("epoll_wait");
      for (const epoll_event& event :
           std::span(events).first(static_cast<std::size_t>(ready < 0 ? 0 : ready))) {
        if (event.data.fd == listener_.get()) {
          accept_waiting();
        } else if (event.data.fd != stop_event_.fd()) {
          serve_peer(event.data.fd);
        }
      }
    }
  }

 private:
  // Until EAGAIN, as edge-triggered waiting requires.
  void serve_peer(int fd) {
    std::optional<Peer>& peer = peers_[static_cast<std::size_t>(fd)];
    Outcome outcome = Outcome::progressed;
    while (outcome == Outcome::progressed) outcome = peer->session.pump(buffer_, counters_);
    if (outcome == Outcome::closed) peer.reset();
  }

  void accept_waiting() {
    static_cast<void>(accept_peers(listener_.get(), max_connections_, counters_,
                                   [this](FileDescriptor socket) { add_peer(std::move(socket)); }));
  }

  void add_peer(FileDescriptor socket) {
    const int fd = socket.get();
    const auto slot = static_cast<std::size_t>(fd);
    if (slot >= peers_.size()) peers_.resize(slot + 1);
    peers_[slot].emplace(Peer{.session = EchoSession(std::move(socket))});
    watch(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
  }

  void watch(int fd, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    counters_.interest_changes.add();
    check(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
  }

  struct Peer {
    EchoSession session;
  };

  FileDescriptor listener_;
  std::stop_token stop_;
  StopEvent stop_event_;
  std::uint64_t max_connections_;
  Counters& counters_;
  FileDescriptor epoll_{check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")};
  std::vector<std::optional<Peer>> peers_;  // by descriptor
  std::array<std::byte, buffer_bytes> buffer_{};
};

}  // namespace

void serve_exercise(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                    ServerStats& stats) {
  Server(std::move(listener), std::move(stop), options, stats.main()).run();
}

}  // namespace echomux
