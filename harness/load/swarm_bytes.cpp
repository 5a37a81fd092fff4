// What a worker's connections send, and what it makes of the bytes that come back.
#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <iterator>

#include "harness/load/swarm_worker.hpp"
#include "harness/text/words.hpp"

namespace echomux {

std::span<const std::byte> SwarmWorker::text_at(const Connection& connection, std::uint64_t offset,
                                                std::size_t length, std::size_t to_end) {
  const auto text = text_.at(connection.number, offset, length);
  if (load_.payload == Payload::binary) return text;
  lines_.assign(text.begin(), text.end());
  const std::size_t size = message_bytes(connection);
  for (std::size_t end = to_end == 0 ? size : to_end; end <= lines_.size(); end += size) {
    lines_[end - 1] = std::byte{'\n'};
  }
  return lines_;
}

// Checks what came back against what was sent, and goes on with the next message if one is
// complete. False when there is nothing more to read from this connection.
bool SwarmWorker::accept_bytes(std::size_t index, std::span<const std::byte> bytes) {
  Connection& connection = connections_[index];
  const auto expected =
      text_at(connection, connection.bytes_received, bytes.size(), connection.oldest_unanswered);
  // One call for all bytes, since they nearly always are the same.
  const bool same = std::memcmp(bytes.data(), expected.data(), bytes.size()) == 0;
  const std::size_t differing =
      same ? bytes.size()
           : static_cast<std::size_t>(std::ranges::mismatch(bytes, expected).in1 - bytes.begin());
  const std::size_t owed = bytes_owed(connection);
  if (differing < bytes.size() || bytes.size() > owed) {
    refuse_bytes(connection, bytes, expected, std::min(differing, owed));
    return false;
  }
  connection.bytes_received += bytes.size();
  const int socket = connection.socket.get();
  for (std::size_t left = bytes.size(); left > 0;) {
    const std::size_t taken = std::min(left, connection.oldest_unanswered);
    connection.oldest_unanswered -= taken;
    left -= taken;
    if (connection.oldest_unanswered == 0) complete_oldest(index);
  }
  if (connection.unsent > 0 && connection.socket) send_more(index);
  return connection.socket.get() == socket;
}

// Notes what is wrong. It shows some of the bytes that came: a banner or a prompt tells by itself
// where they are from.
void SwarmWorker::refuse_bytes(const Connection& connection, std::span<const std::byte> bytes,
                               std::span<const std::byte> expected, std::size_t differing) {
  constexpr std::size_t most_shown = 24;
  const bool too_much = differing >= bytes_owed(connection);
  const auto from = [&](std::span<const std::byte> all) {
    const auto some = all.subspan(differing, std::min(all.size() - differing, most_shown));
    return std::string(reinterpret_cast<const char*>(some.data()), some.size());
  };
  std::string came = from(bytes);
  std::array<char, most_shown> more{};
  const ssize_t count =
      ::recv(connection.socket.get(), more.data(), more.size() - came.size(), MSG_DONTWAIT);
  if (count > 0) came.append(more.data(), static_cast<std::size_t>(count));
  const std::string where =
      fmt::format("at offset {} of its stream", connection.bytes_received + differing);
  result_.outcome.end(RunEnd::corrupted);
  result_.outcome.sentence =
      too_much ? fmt::format("connection {}: more came back than was sent {}: {}",
                             connection.number, where, in_quotes(came))
               : fmt::format("connection {}: a wrong byte came back {}: {} was sent and {} came",
                             connection.number, where,
                             in_quotes(from(expected.first(std::min(
                                 expected.size(), std::max(differing, bytes_owed(connection)))))),
                             in_quotes(came));
}

}  // namespace echomux
