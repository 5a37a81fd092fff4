#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "reproduce/watched.hpp"

namespace echomux::claims {

// An echo server of TCP connections in the calling thread, whose clients are there too, so that the
// CPU of the server's part can be told from theirs. It either writes at once what it has read, or
// switches its interest from EPOLLIN to EPOLLOUT, writes when that is reported, and switches back.
// All functions throw std::system_error, or std::runtime_error when an echo is missing or wrong.
class EchoInThread {
 public:
  EchoInThread(std::int64_t connections, bool flips);

  // The server's CPU for one message in microseconds, over at least five milliseconds of it. All
  // clients have sent one when its part begins.
  [[nodiscard]] double message_us();
  // The server's system calls for one message, over all that there have been.
  [[nodiscard]] double calls_per_message() const;

 private:
  using Message = std::array<char, 64>;

  void send_all(const Message& message) const;
  void receive_all(const Message& expected) const;
  std::size_t turn();
  bool serve(int fd, std::uint32_t events);
  void interest(int operation, int fd, std::uint32_t events);

  micro::Watched connections_;
  bool flips_;
  std::vector<Message> held_;  // by descriptor
  FileDescriptor epoll_;
  std::size_t calls_ = 0;
  std::size_t messages_ = 0;
};

}  // namespace echomux::claims
