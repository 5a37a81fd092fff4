// Exercise 10: an epoll server that has never run out of descriptors.
#include "course/exercise.hpp"

namespace echomux {
namespace {

class Server {
 public:
  Server(FileDescriptor listener, std::stop_token stop, Counters& counters)
      : listener_(std::move(listener)), stop_event_(std::move(stop)), counters_(counters) {
    set_nonblocking(listener_.get());
    set_interest(EPOLL_CTL_ADD, stop_event_.fd(), EPOLLIN);
    set_interest(EPOLL_CTL_ADD, listener_.get(), EPOLLIN);
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
    }
  }

 private:
  std::size_t wait(std::span<epoll_event> events) {
    counters_.waits.add();
    const int ready =
        ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
    if (ready < 0 && errno != EINTR) throw_errno("epoll_wait");
    return ready < 0 ? 0 : static_cast<std::size_t>(ready);
  }

  void accept_waiting() {
    for (;;) {
      AcceptResult result = accept_peer(listener_.get(), SocketMode::nonblocking, counters_);
      if (result.status == AcceptStatus::try_again) continue;
      if (result.status != AcceptStatus::accepted) return;  // nobody waits, or it did not work
      add_peer(std::move(result.socket));
    }
  }

  void add_peer(FileDescriptor socket) {
    const int fd = socket.get();
    const auto slot = static_cast<std::size_t>(fd);
    if (slot >= sessions_.size()) sessions_.resize(slot + 1);
    sessions_[slot].emplace(std::move(socket));
    set_interest(EPOLL_CTL_ADD, fd, EPOLLIN);
  }

  void serve_peer(int fd) {
    std::optional<EchoSession>& session = sessions_[static_cast<std::size_t>(fd)];
    const bool owed = session->owes();
    const Outcome outcome = session->pump({scratch_.get(), scratch_bytes}, counters_);
    if (outcome == Outcome::closed) {
      session.reset();
    } else if (session->owes() != owed) {
      set_interest(EPOLL_CTL_MOD, fd, session->owes() ? EPOLLOUT : EPOLLIN);
    }
  }

  void set_interest(int operation, int fd, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    counters_.interest_changes.add();
    check(::epoll_ctl(epoll_.get(), operation, fd, &event), "epoll_ctl");
  }

  FileDescriptor listener_;
  StopEvent stop_event_;
  Counters& counters_;
  FileDescriptor epoll_{check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")};
  std::vector<std::optional<EchoSession>> sessions_;  // by descriptor
  std::unique_ptr<std::byte[]> scratch_ = make_scratch();
};

}  // namespace

void serve_exercise(FileDescriptor listener, std::stop_token stop, const ServerOptions& /*options*/,
                    ServerStats& stats) {
  Server(std::move(listener), std::move(stop), stats.main()).run();
}

}  // namespace echomux
