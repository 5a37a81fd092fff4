// The floor: what the bare system calls of an echo server cost. One epoll loop, one recv and one
// send per event, and nothing else: no sessions, no counters, no partial writes to remember. Not a
// server to copy (one slow reader stops everybody, since its sockets block); it is what the real
// ones are measured against, from outside and like anyone's server:
//
//   floor_server PORT            listens on 127.0.0.1:PORT until a signal ends it
//   floor_server ADDRESS:PORT    the same on another address, for clients on other machines
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <iostream>
#include <vector>

#include "echo/socket.hpp"
#include "echo/system_call.hpp"

namespace {

using namespace echomux;

void watch(int epoll, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  check(::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

[[noreturn]] void serve(int listener) {
  const int epoll = check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  watch(epoll, listener);
  std::array<epoll_event, 512> events;
  std::vector<char> buffer(std::size_t{64} * 1024);
  for (;;) {
    const int ready = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < ready; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == listener) {
        const int peer = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (peer >= 0) watch(epoll, peer);
        continue;
      }
      const ssize_t received = ::recv(fd, buffer.data(), buffer.size(), 0);
      if (received <= 0 ||
          ::send(fd, buffer.data(), static_cast<std::size_t>(received), MSG_NOSIGNAL) < 0) {
        ::close(fd);
      }
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 2) {
      std::cerr << "usage: floor_server [ADDRESS:]PORT\n";
      return 2;
    }
    const std::string where = argv[1];
    const bool port_alone = where.find(':') == std::string::npos;
    const FileDescriptor listener =
        listen_on(parse_endpoint(port_alone ? "127.0.0.1:" + where : where));
    serve(listener.get());
  } catch (const std::exception& error) {
    std::cerr << "floor_server: " << error.what() << '\n';
    return 1;
  }
}
