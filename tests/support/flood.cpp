#include "tests/support/flood.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <system_error>

#include "echo/system_call.hpp"

namespace echomux {
namespace {

constexpr std::size_t gulp_bytes = std::size_t{1024} * 1024;

// The number of bytes moved; 0 when it would have to wait.
std::uint64_t moved(ssize_t result, const char* call) {
  if (result < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  return static_cast<std::uint64_t>(check(result, call));
}

}  // namespace

Flood::Flood(const Endpoint& server, std::size_t peers)
    : water_(check(::memfd_create("water", MFD_CLOEXEC), "memfd_create")) {
  // sendfile has no MSG_NOSIGNAL, and a server that stops is no reason for the test to die.
  ::signal(SIGPIPE, SIG_IGN);
  check(::ftruncate(water_.get(), gulp_bytes), "ftruncate");
  peers_.reserve(peers);
  for (std::size_t i = 0; i < peers; ++i) {
    const Peer& peer = peers_.emplace_back(server);
    threads_.emplace_back([this, &peer](const std::stop_token& stop) {
      try {
        run(peer, stop);
      } catch (const std::system_error&) {
        broken_ = true;
      }
    });
  }
}

void Flood::run(const Peer& peer, const std::stop_token& stop) {
  // Short, because it is also how long the destructor waits at most.
  constexpr int wait_ms = 50;
  // Unlike send(2), sendfile(2) can't be told to leave this signal out.
  sigset_t broken_pipe;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
  std::vector<char> untouched(gulp_bytes);
  while (!stop.stop_requested()) {
    pollfd socket{.fd = peer.fd(), .events = POLLIN | POLLOUT, .revents = 0};
    check(::poll(&socket, 1, wait_ms), "poll");
    if ((socket.revents & POLLOUT) != 0) {
      off_t begin = 0;
      moved(::sendfile(peer.fd(), water_.get(), &begin, gulp_bytes), "sendfile");
    }
    if ((socket.revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
      // A TCP socket throws the bytes away when they are received like this (tcp(7)). The buffer is
      // left alone, but ThreadSanitizer takes it for written: each thread has its own.
      const auto count =
          moved(::recv(peer.fd(), untouched.data(), untouched.size(), MSG_TRUNC), "recv");
      if (count == 0 && peer.ended()) throw_errno("the server ended the flood");
      echoed_bytes_ += count;
    }
  }
}

}  // namespace echomux
