// Exercise 05: a server that asks every peer in turn, and never sleeps.
#include "course/exercise.hpp"

namespace echomux {
namespace {

class Server {
 public:
  Server(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
         Counters& counters)
      : listener_(std::move(listener)),
        stop_(std::move(stop)),
        max_connections_(options.max_connections),
        counters_(counters) {
    set_nonblocking(listener_.get());
  }

  // One turn: ask the listener and every peer.
  void run() {
    while (!stop_.stop_requested()) {
      accept_waiting();
      serve_peers();
    }
  }

 private:
  void serve_peers() {
    counters_.descriptors_scanned.add(sessions_.size());
    for (std::size_t i = 0; i < sessions_.size() && !stop_.stop_requested();) {
      if (sessions_[i].pump({scratch_.get(), scratch_bytes}, counters_) != Outcome::closed) {
        ++i;
        continue;
      }
      std::swap(sessions_[i], sessions_.back());
      sessions_.pop_back();
    }
  }

  void accept_waiting() {
    static_cast<void>(
        accept_peers(listener_.get(), max_connections_, counters_,
                     [this](FileDescriptor socket) { sessions_.emplace_back(std::move(socket)); }));
  }

  FileDescriptor listener_;
  std::stop_token stop_;
  std::uint64_t max_connections_;
  Counters& counters_;
  std::vector<EchoSession> sessions_;
  std::unique_ptr<std::byte[]> scratch_ = make_scratch();
};

}  // namespace

void serve_exercise(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                    ServerStats& stats) {
  Server(std::move(listener), std::move(stop), options, stats.main()).run();
}

}  // namespace echomux
