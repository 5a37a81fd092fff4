// Exercise 05, solved: after a turn in which nothing moved the server rests, longer each time.
#include <algorithm>
#include <chrono>
#include <thread>

#include "course/exercise.hpp"

namespace echomux {
namespace {

// The longest rest: so much later may a peer be answered that speaks after a pause.
constexpr std::chrono::microseconds longest_rest{2000};

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

  // One turn: ask the listener and every peer. When nobody has moved anything, rest; the rest
  // grows, so that a busy server is quick to look again and an idle one is cheap.
  void run() {
    std::chrono::microseconds rest{1};
    while (!stop_.stop_requested()) {
      accept_waiting();
      if (serve_peers()) {
        rest = std::chrono::microseconds(1);
      } else {
        std::this_thread::sleep_for(rest);
        rest = std::min(rest * 2, longest_rest);
      }
    }
  }

 private:
  // Whether anything has moved.
  bool serve_peers() {
    bool moved = false;
    counters_.descriptors_scanned.add(sessions_.size());
    for (std::size_t i = 0; i < sessions_.size() && !stop_.stop_requested();) {
      const Outcome outcome = sessions_[i].pump({scratch_.get(), scratch_bytes}, counters_);
      if (outcome == Outcome::progressed) moved = true;
      if (outcome != Outcome::closed) {
        ++i;
        continue;
      }
      std::swap(sessions_[i], sessions_.back());
      sessions_.pop_back();
    }
    return moved;
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
