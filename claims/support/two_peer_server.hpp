#pragma once

#include <sys/epoll.h>

#include <cstddef>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "echo/file_descriptor.hpp"

namespace echomux::claims {

// What a server does with what a send has no room for.
enum class Unsent { retries, keeps };

// An echo server of two connections in a thread of its own, level-triggered. `retries`: it waits a
// millisecond and sends again until the peer has taken everything, as a helper around send often
// does. `keeps`: it holds the rest and goes on with the others until there is room. The destructor
// stops it. It doesn't own the sockets, which become non-blocking. Throws std::system_error.
class TwoPeerServer {
 public:
  TwoPeerServer(int first, int second, Unsent unsent, std::optional<int> cpu);

 private:
  struct Peer {
    int fd = -1;
    std::vector<char> kept;
  };

  void run(const std::stop_token& stop, std::optional<int> cpu);
  void serve(Peer& peer, const std::stop_token& stop);
  void send_some(Peer& peer, const std::stop_token& stop);
  void watch(const Peer& peer, int operation);

  Unsent unsent_;
  Peer peers_[2];
  FileDescriptor epoll_;
  std::vector<char> scratch_;
  std::jthread thread_;  // last: it uses the rest
};

}  // namespace echomux::claims
