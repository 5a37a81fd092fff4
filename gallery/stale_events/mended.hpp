#pragma once

#include <memory>
#include <span>
#include <stop_token>
#include <utility>
#include <vector>

#include "gallery/stale_events/broken.hpp"

namespace echomux::stale_events {

class Mended : public Broken {
 public:
  Mended(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
         Counters& counters)
      : Broken(std::move(listener), std::move(stop), options, counters) {
    gone_.reserve(1024);  // more than can go in one turn
  }

 private:
  // lesson: mended
  void close_on_error(int fd) override {
    counters_.peer_errors.add();
    counters_.closed.add();
    // Its number stays taken until this turn's events are done with: some may be for it.
    gone_.push_back(peers_.take(fd));
  }

  std::span<const epoll_event> wait() override {
    gone_.clear();
    return Broken::wait();
  }
  // end lesson

  std::vector<std::unique_ptr<EchoSession>> gone_;
};

}  // namespace echomux::stale_events
