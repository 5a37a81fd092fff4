#include "harness/load/echo_probe.hpp"

#include <fmt/core.h>
#include <poll.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <string_view>

#include "harness/machine/spawned_process.hpp"
#include "harness/text/words.hpp"

namespace echomux {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view line =
    "aZ\0b\xff"
    "c\rd\n"sv;
// From the connect to the last byte.
constexpr std::chrono::milliseconds patience{500};

bool ready(int socket, short events, std::chrono::steady_clock::time_point deadline) {
  pollfd watched{.fd = socket, .events = events, .revents = 0};
  return ::poll(&watched, 1, remaining_ms(deadline)) > 0;
}

}  // namespace

ProbedEcho probe_echo(const Endpoint& server, FileDescriptor& connection) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  connection.reset(::socket(server.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const ProbedEcho nothing{.altered = {}, .came = false};
  if (!connection) return nothing;
  const int fd = connection.get();
  if (::connect(fd, server.raw(), server.length) != 0 && errno != EINPROGRESS) return nothing;
  if (!ready(fd, POLLOUT, deadline) ||
      ::send(fd, line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size())) {
    return nothing;
  }
  std::string came;
  bool ended = false;
  while (came.size() < line.size() && !ended && ready(fd, POLLIN, deadline)) {
    std::array<char, 64> chunk{};
    const ssize_t count = ::recv(fd, chunk.data(), chunk.size(), 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    ended = count <= 0;
    if (count > 0) came.append(chunk.data(), static_cast<std::size_t>(count));
  }
  if (came == line) connection.reset();  // nothing more comes, so that this is no reset
  if (came == line) return {};
  if (came.empty() && !ended) return nothing;
  return {.altered = fmt::format("{} was sent and {} came{}", in_quotes(line), in_quotes(came),
                                 ended ? ", with the end of the connection" : "")};
}

}  // namespace echomux
