// Exercise 14: two threads that serve whichever peer is ready.
#include <sys/epoll.h>

#include <list>
#include <mutex>
#include <string>
#include <thread>

#include "course/exercise.hpp"

namespace echomux {
namespace {

// One peer, and what is still to be sent to it.
struct Conversation {
  FileDescriptor socket;
  std::string unsent;
  std::list<Conversation>::iterator place;
};

// Two threads wait with the same epoll instance. The kernel gives each event to one of them.
class Server {
 public:
  Server(FileDescriptor listener, std::stop_token stop, ServerStats& stats)
      : listener_(std::move(listener)), stop_event_(std::move(stop)), stats_(stats) {
    set_nonblocking(listener_.get());
    watch(EPOLL_CTL_ADD, stop_event_.fd(), EPOLLIN, &stop_event_);
    watch(EPOLL_CTL_ADD, listener_.get(), EPOLLIN, &listener_);
  }

  void run() {
    std::thread other([this] {
      ThreadCounters counters(stats_);
      loop(counters.get());
    });
    loop(stats_.main());
    other.join();
  }

 private:
  void loop(Counters& counters) {
    for (;;) {
      epoll_event event{};
      counters.waits.add();
      if (::epoll_wait(epoll_.get(), &event, 1, -1) < 1) continue;  // EINTR
      if (event.data.ptr == &stop_event_) return;
      if (event.data.ptr == &listener_) {
        static_cast<void>(
            accept_peers(listener_.get(), no_limit, counters,
                         [this](FileDescriptor socket) { add_peer(std::move(socket)); }));
      } else {
        serve_peer(*static_cast<Conversation*>(event.data.ptr), counters);
      }
    }
  }

  void add_peer(FileDescriptor socket) {
    Conversation* peer = nullptr;
    {
      const std::lock_guard lock(mutex_);
      peer = &peers_.emplace_front(Conversation{std::move(socket), {}, {}});
      peer->place = peers_.begin();
    }
    watch(EPOLL_CTL_ADD, peer->socket.get(), EPOLLIN, peer);
  }

  void serve_peer(Conversation& peer, Counters& counters) {
    if (peer.unsent.empty()) {
      std::array<char, 4096> buffer{};
      counters.recv_calls.add();
      const ssize_t count = ::recv(peer.socket.get(), buffer.data(), buffer.size(), 0);
      if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR))
        return close(peer, counters);
      if (count > 0) peer.unsent.assign(buffer.data(), static_cast<std::size_t>(count));
      work();
    }
    if (!peer.unsent.empty() && !send_some(peer, counters)) return close(peer, counters);
    if (!peer.unsent.empty()) {
      watch(EPOLL_CTL_MOD, peer.socket.get(), EPOLLOUT, &peer);
    } else {
      watch(EPOLL_CTL_MOD, peer.socket.get(), EPOLLIN, &peer);
    }
  }

  // What a real server would do with a message.
  static void work() { std::this_thread::sleep_for(std::chrono::microseconds(200)); }

  static bool send_some(Conversation& peer, Counters& counters) {
    counters.send_calls.add();
    const ssize_t sent =
        ::send(peer.socket.get(), peer.unsent.data(), peer.unsent.size(), MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
    peer.unsent.erase(0, static_cast<std::size_t>(sent));
    return true;
  }

  void close(Conversation& peer, Counters& counters) {
    counters.closed.add();
    const std::lock_guard lock(mutex_);
    peers_.erase(peer.place);
  }

  void watch(int operation, int fd, std::uint32_t events, void* whose) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = whose;
    check(::epoll_ctl(epoll_.get(), operation, fd, &event), "epoll_ctl");
  }

  static constexpr std::uint64_t no_limit = std::numeric_limits<std::uint64_t>::max();

  FileDescriptor listener_;
  StopEvent stop_event_;
  ServerStats& stats_;
  FileDescriptor epoll_{check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")};
  std::mutex mutex_;  // guards the list, and not what is in it
  std::list<Conversation> peers_;
};

}  // namespace

void serve_exercise(FileDescriptor listener, std::stop_token stop, const ServerOptions& /*options*/,
                    ServerStats& stats) {
  Server(std::move(listener), std::move(stop), stats).run();
}

}  // namespace echomux
