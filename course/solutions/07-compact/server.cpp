// Exercise 07, solved: the last peer takes the place of one who leaves.
#include <poll.h>

#include "course/exercise.hpp"

namespace echomux {
namespace {

// The first entries of the watched list; the peers' come after them.
constexpr std::size_t listener_entry = 1;  // after that of the stop event
constexpr std::size_t first_peer_entry = 2;

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
    watched_.push_back({.fd = stop_event_.fd(), .events = POLLIN, .revents = 0});
    watched_.push_back({.fd = listener_.get(), .events = POLLIN, .revents = 0});
  }

  void run() {
    while (!stop_.stop_requested()) {
      counters_.waits.add();
      counters_.descriptors_scanned.add(watched_.size());
      if (::poll(watched_.data(), watched_.size(), -1) < 0) {
        if (errno != EINTR) throw_errno("poll");
        continue;
      }
      serve_ready_peers();
      if (watched_[listener_entry].revents != 0) accept_waiting();
    }
  }

 private:
  void serve_ready_peers() {
    for (std::size_t i = 0; i < sessions_.size();) {
      pollfd& entry = watched_[first_peer_entry + i];
      if (entry.revents == 0) {
        ++i;
        continue;
      }
      EchoSession& session = sessions_[i];
      if (session.pump({scratch_.get(), scratch_bytes}, counters_) == Outcome::closed) {
        // Both lists, or the peers would be mixed up; and then whoever has come here is looked at.
        std::swap(entry, watched_.back());
        watched_.pop_back();
        std::swap(session, sessions_.back());
        sessions_.pop_back();
      } else {
        entry.events = session.owes() ? POLLOUT : POLLIN;
        ++i;
      }
    }
  }

  void accept_waiting() {
    static_cast<void>(accept_peers(listener_.get(), max_connections_, counters_,
                                   [this](FileDescriptor socket) { add_peer(std::move(socket)); }));
  }

  void add_peer(FileDescriptor socket) {
    watched_.push_back({.fd = socket.get(), .events = POLLIN, .revents = 0});
    sessions_.emplace_back(std::move(socket));
  }

  FileDescriptor listener_;
  std::stop_token stop_;
  StopEvent stop_event_;
  std::uint64_t max_connections_;
  Counters& counters_;
  // Entry i of the list and session i - first_peer_entry belong together.
  std::vector<pollfd> watched_;
  std::vector<EchoSession> sessions_;
  std::unique_ptr<std::byte[]> scratch_ = make_scratch();
};

}  // namespace

void serve_exercise(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                    ServerStats& stats) {
  Server(std::move(listener), std::move(stop), options, stats.main()).run();
}

}  // namespace echomux
