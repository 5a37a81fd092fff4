// How fast does one connection stream 1 GiB through each server, compared with the floor?
#include <poll.h>
#include <sys/socket.h>

#include <vector>

#include "echo/system_call.hpp"
#include "harness/bench/ratio_program.hpp"

namespace {

using namespace echomux;
using namespace echomux::ratio_program;

constexpr std::size_t stream_bytes = std::size_t{1} << 30;

// Sends and receives at the same time, and returns the throughput in MiB per second.
double stream_through(const Endpoint& server) {
  const FileDescriptor socket(
      check(::socket(server.family(), SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  check(::connect(socket.get(), server.raw(), server.length), "connect");
  set_nonblocking(socket.get());
  std::vector<char> out(std::size_t{256} * 1024, 'x');
  std::vector<char> in(out.size());
  std::size_t sent = 0;
  std::size_t received = 0;
  const auto begin = std::chrono::steady_clock::now();
  while (received < stream_bytes) {
    pollfd ready{.fd = socket.get(), .events = POLLIN, .revents = 0};
    if (sent < stream_bytes) ready.events |= POLLOUT;
    constexpr int limit_ms = 10'000;
    if (check(::poll(&ready, 1, limit_ms), "poll") == 0) {
      throw std::runtime_error("the stream stands still");
    }
    if ((ready.revents & POLLOUT) != 0) {
      const ssize_t count =
          ::send(socket.get(), out.data(), std::min(out.size(), stream_bytes - sent), MSG_NOSIGNAL);
      if (count > 0) sent += static_cast<std::size_t>(count);
    }
    if ((ready.revents & ~POLLOUT) != 0) {
      const ssize_t count = ::recv(socket.get(), in.data(), in.size(), 0);
      if (count == 0) throw std::runtime_error("the server ended the stream");
      if (count > 0) received += static_cast<std::size_t>(count);
    }
  }
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
  return static_cast<double>(stream_bytes) / (1 << 20) / time.count();
}

}  // namespace

int main() {
  const std::vector<std::string> servers{"floor",  "blocking", "threaded", "busy_poll",
                                         "select", "poll",     "epoll_lt", "epoll_et"};
  prepare("Throughput of one connection that streams 1 GiB, over the floor's");
  const Figures figures = paired_rounds(25, servers, [](const std::string& name) {
    const ServerProcess server(server_command(name));
    return stream_through(server.endpoint());
  });
  report_figures(figures, servers, "MiB/s");
  for (const std::string& name : servers) {
    if (name != "floor") {
      report_ratio(name + " / floor", ratios(figures, name, "floor"), Bound::at_least, 0.85);
    }
  }
}
