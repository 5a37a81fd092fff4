// Exercise 06: a select server that believes that every descriptor fits into an fd_set.
#include <sys/select.h>

#include <algorithm>

#include "course/exercise.hpp"

namespace echomux {
namespace {

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
    FD_ZERO(&want_input_);
    FD_ZERO(&want_room_);
    watch_for_input(listener_.get());
    watch_for_input(stop_event_.fd());
  }

  void run() {
    while (!stop_.stop_requested()) {
      fd_set readable = want_input_;
      fd_set writable = want_room_;
      counters_.waits.add();
      counters_.descriptors_scanned.add(static_cast<std::uint64_t>(watched_end_));
      if (::select(watched_end_, &readable, &writable, nullptr, nullptr) < 0) {
        if (errno != EINTR) throw_errno("select");
        continue;
      }
      for (int fd = 0; fd < static_cast<int>(sessions_.size()); ++fd) {
        if (!sessions_[static_cast<std::size_t>(fd)]) continue;
        if (FD_ISSET(fd, &readable) || FD_ISSET(fd, &writable)) serve_peer(fd);
      }
      if (FD_ISSET(listener_.get(), &readable)) accept_waiting();
    }
  }

 private:
  void accept_waiting() {
    static_cast<void>(accept_peers(listener_.get(), max_connections_, counters_,
                                   [this](FileDescriptor socket) { add_peer(std::move(socket)); }));
  }

  void add_peer(FileDescriptor socket) {
    const int fd = socket.get();
    const auto slot = static_cast<std::size_t>(fd);
    if (slot >= sessions_.size()) sessions_.resize(slot + 1);
    watch_for_input(fd);
    sessions_[slot].emplace(std::move(socket));
  }

  void serve_peer(int fd) {
    std::optional<EchoSession>& session = sessions_[static_cast<std::size_t>(fd)];
    const Outcome outcome = session->pump({scratch_.get(), scratch_bytes}, counters_);
    const bool open = outcome != Outcome::closed;
    FD_CLR(fd, &want_input_);
    FD_CLR(fd, &want_room_);
    if (open) FD_SET(fd, session->owes() ? &want_room_ : &want_input_);
    if (!open) session.reset();
  }

  void watch_for_input(int fd) {
    FD_SET(fd, &want_input_);
    watched_end_ = std::max(watched_end_, fd + 1);
  }

  FileDescriptor listener_;
  std::stop_token stop_;
  StopEvent stop_event_;
  std::uint64_t max_connections_;
  Counters& counters_;
  fd_set want_input_;
  fd_set want_room_;
  int watched_end_ = 0;
  std::vector<std::optional<EchoSession>> sessions_;  // by descriptor
  std::unique_ptr<std::byte[]> scratch_ = make_scratch();
};

}  // namespace

void serve_exercise(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                    ServerStats& stats) {
  Server(std::move(listener), std::move(stop), options, stats.main()).run();
}

}  // namespace echomux
