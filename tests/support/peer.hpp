#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "echo/file_descriptor.hpp"
#include "echo/socket.hpp"
#include "tests/support/sanitizers.hpp"

namespace echomux {

// When nothing could be sent for this time, everything is taken to be full.
inline constexpr std::chrono::milliseconds stalled_after{300};

// One client of an echo server, made for tests. The socket beneath is non-blocking, so that no call
// here can hang: each wait for the server ends after `patience` without any movement, with a
// std::runtime_error that says what was waited for. Errors of the connection are thrown as
// std::system_error. Not for sharing between threads.
class Peer {
 public:
  // The socket's buffers in bytes; 0 leaves the choice to the system.
  struct Buffers {
    int send = 0;
    int receive = 0;
  };

  // Connects. Being connected doesn't mean being accepted: the kernel completes connections by
  // itself and keeps them in the backlog until the server fetches them.
  explicit Peer(const Endpoint& server) : Peer(server, Buffers{}) {}
  Peer(const Endpoint& server, const Buffers& buffers);

  // The same without waiting for the connection, for servers that have no room in the backlog; the
  // first call of another function waits for it.
  [[nodiscard]] static Peer connecting(const Endpoint& server) { return connecting(server, {}); }

  // Hands all bytes to the kernel. What comes back stays there: for more than the socket buffers
  // hold, use exchange().
  void send_all(std::string_view bytes);

  // Sends one byte marked as urgent (MSG_OOB).
  void send_urgent(char byte);

  // Receives exactly `count` bytes, waiting up to `limit` for each piece. Throws when the server
  // ends the connection before.
  [[nodiscard]] std::string receive(std::size_t count, std::chrono::milliseconds limit = patience);

  // Sends all bytes and receives exactly `count`, both at the same time, as moving more than the
  // socket buffers hold requires.
  [[nodiscard]] std::string exchange(std::string_view bytes, std::size_t count);
  [[nodiscard]] std::string exchange(std::string_view bytes) {
    return exchange(bytes, bytes.size());
  }

  // Everything up to the server's end of the stream. Throws if a reset comes instead of the end.
  [[nodiscard]] std::string read_to_end();

  // Sends without ever reading, until for the time `quiet` nothing more could be sent: then every
  // buffer between here and the server's memory is full. Returns how many bytes were sent.
  std::size_t push_until_stalled(std::string_view bytes,
                                 std::chrono::milliseconds quiet = stalled_after);

  // Ends our direction of the stream; the other stays open (shutdown(2)).
  void half_close();
  // Throws the connection away with a RST segment instead of an orderly end.
  void reset();
  void close() { socket_.reset(); }

  // Whether the connection has been made.
  [[nodiscard]] bool connected() const;
  // Whether an answer has come: bytes, or the end.
  [[nodiscard]] bool answered() const;
  // Whether the server has ended the connection, in whichever way, and all bytes have been read.
  [[nodiscard]] bool ended() const;
  // Whether the server's kernel holds all that was sent, the end of our direction included.
  [[nodiscard]] bool delivered() const;

  // One send or recv each, without waiting; 0 means not now. The latter throws at the end of the
  // stream.
  [[nodiscard]] std::size_t try_send(std::string_view bytes);
  [[nodiscard]] std::size_t try_receive(std::span<char> buffer);

  [[nodiscard]] int fd() const noexcept { return socket_.get(); }

 private:
  explicit Peer(FileDescriptor socket) : socket_(std::move(socket)) {}

  [[nodiscard]] static Peer connecting(const Endpoint& server, const Buffers& buffers);
  void wait_until(short events, std::chrono::milliseconds limit, const char* what) const;

  FileDescriptor socket_;
};

// Peer::push_until_stalled for many at the same time: data[i] is for peers[i]. Returns how many
// bytes of each were sent.
std::vector<std::size_t> push_until_stalled(std::span<Peer> peers,
                                            std::span<const std::string_view> data,
                                            std::chrono::milliseconds quiet = stalled_after);

}  // namespace echomux
