#include "tests/faults/streams.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>

namespace echomux {
namespace {

using Clock = std::chrono::steady_clock;

void finish(Stream& stream, Stream::Fate fate) {
  stream.fate = fate;
  stream.peer.reset();
}

bool wants_to_read(const Stream& stream) {
  if (stream.resets) return false;
  if (stream.reads_late && stream.sent < stream.goal) return false;
  // Also with everything received: who is told of the end, or gets too much, must notice.
  return true;
}

void send_some(Stream& stream) {
  const std::string_view rest =
      std::string_view(stream.data).substr(stream.sent, stream.goal - stream.sent);
  const ssize_t count = ::send(stream.peer->fd(), rest.data(), rest.size(), MSG_NOSIGNAL);
  if (count < 0) {
    if (errno != EAGAIN && errno != EINTR) finish(stream, Stream::Fate::lost);
    return;
  }
  stream.sent += static_cast<std::size_t>(count);
  if (stream.sent < stream.data.size()) return;
  if (stream.resets) {
    stream.peer->reset();
    finish(stream, Stream::Fate::gone);
  } else if (stream.ends) {
    stream.half_closed = ::shutdown(stream.peer->fd(), SHUT_WR) == 0;
    if (!stream.half_closed) finish(stream, Stream::Fate::lost);
  }
}

void receive_some(Stream& stream) {
  std::array<char, 65'536> chunk;
  const ssize_t count = ::recv(stream.peer->fd(), chunk.data(), chunk.size(), 0);
  if (count < 0) {
    if (errno != EAGAIN && errno != EINTR) finish(stream, Stream::Fate::lost);
    return;
  }
  if (count == 0) {
    const bool in_order = stream.half_closed && stream.received == stream.data.size();
    finish(stream, in_order ? Stream::Fate::ended : Stream::Fate::lost);
    return;
  }
  const std::string_view bytes(chunk.data(), static_cast<std::size_t>(count));
  const std::string_view due =
      std::string_view(stream.data).substr(0, stream.sent).substr(stream.received);
  if (!due.starts_with(bytes)) {
    finish(stream, Stream::Fate::wrong);
    return;
  }
  stream.received += bytes.size();
}

// One look at all of them. False when nothing moved within `limit`.
bool step(std::span<Stream> streams, std::chrono::milliseconds limit) {
  std::vector<pollfd> watched;
  for (const Stream& stream : streams) {
    const bool open = stream.fate == Stream::Fate::open;
    const int events =
        (open && stream.sent < stream.goal ? POLLOUT : 0) | (wants_to_read(stream) ? POLLIN : 0);
    watched.push_back(
        {.fd = open ? stream.peer->fd() : -1, .events = static_cast<short>(events), .revents = 0});
  }
  if (::poll(watched.data(), watched.size(), static_cast<int>(limit.count())) <= 0) return false;
  for (std::size_t i = 0; i < streams.size(); ++i) {
    const short found = watched[i].revents;
    if (found == 0) continue;
    Stream& stream = streams[i];
    if ((found & POLLOUT) != 0 && stream.sent < stream.goal) send_some(stream);
    if (stream.fate == Stream::Fate::open && (found & (POLLIN | POLLHUP | POLLERR)) != 0) {
      receive_some(stream);
    }
  }
  return true;
}

}  // namespace

Stream::Stream(const Endpoint& server, std::string bytes, const Peer::Buffers& buffers)
    : data(std::move(bytes)), goal(data.size()) {
  try {
    peer.emplace(server, buffers);
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::connection_reset) throw;
    fate = Fate::lost;
  }
}

bool Stream::settled() const noexcept {
  if (fate != Fate::open) return true;
  return !ends && !resets && received == goal;
}

bool drive(std::span<Stream> streams, std::chrono::milliseconds limit) {
  while (!std::ranges::all_of(streams, &Stream::settled)) {
    if (!step(streams, limit)) return false;
  }
  return true;
}

void drive_for(std::span<Stream> streams, std::chrono::milliseconds time) {
  const auto deadline = Clock::now() + time;
  for (auto now = Clock::now(); now < deadline; now = Clock::now()) {
    step(streams, std::chrono::ceil<std::chrono::milliseconds>(deadline - now));
  }
}

std::size_t count(std::span<const Stream> streams, Stream::Fate fate) {
  return static_cast<std::size_t>(std::ranges::count(streams, fate, &Stream::fate));
}

}  // namespace echomux
