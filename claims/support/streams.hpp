#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "echo/file_descriptor.hpp"

// Pipes and connections for the experiments, and how far the bytes in them have come. All of these
// throw std::system_error for what can't be set up, and std::runtime_error for what doesn't come
// about within `patience`.
namespace echomux::claims {

inline constexpr std::chrono::milliseconds at_once{0};
// How long nothing must happen to count as never. What would happen here happens within the
// microseconds that it takes to wake a thread, so this leaves room for a busy machine.
inline constexpr std::chrono::milliseconds silence{60};
// The limit of every wait for something that must come.
inline constexpr std::chrono::milliseconds patience{5000};

// The two ends of a pipe(2), blocking; `flags` as for pipe2(2).
struct Pipe {
  explicit Pipe(int flags = 0);

  FileDescriptor read_end;
  FileDescriptor write_end;
};

// The two ends of a stream, blocking. Nagle's algorithm is off, so that what is sent leaves at
// once.
struct Connection {
  FileDescriptor server;  // the accepted end
  FileDescriptor client;  // the end that connected
};

// A TCP connection over the loopback device. `buffer_bytes` is asked for as SO_SNDBUF and SO_RCVBUF
// of both ends, of which the kernel makes twice as much; 0 leaves them to the system.
[[nodiscard]] Connection tcp_connection(int buffer_bytes = 0);

// Two connected sockets of the Unix domain, of SOCK_STREAM or another type.
[[nodiscard]] Connection unix_connection(int type);

// A listening TCP socket on a port that the kernel chooses, and a client connected to it.
[[nodiscard]] FileDescriptor tcp_client_of(int listener, int buffer_bytes = 0);

// Asks again and again until the condition holds or the limit is over; returns whether it holds.
[[nodiscard]] bool eventually(const std::function<bool()>& condition,
                              std::chrono::milliseconds limit = patience);
// The same, but throws std::runtime_error, which says what was awaited, when the limit is over.
void await(const char* what, const std::function<bool()>& condition);

// How many bytes a read would find (FIONREAD), and how many of those sent the peer's kernel has not
// yet acknowledged (SIOCOUTQ).
[[nodiscard]] std::size_t unread(int fd);
[[nodiscard]] std::size_t unacknowledged(int socket);

// The state that TCP is in, such as TCP_CLOSE_WAIT (tcp(7), TCP_INFO).
[[nodiscard]] int tcp_state(int socket);

// Writes `count` bytes into one end and waits until the other end has them to read.
void deliver(int from, int to, std::size_t count);

// Reads or writes once at most `count` bytes, without waiting. Returns what the system call does,
// or the errno, negative: never -1 for anything else than EPERM.
[[nodiscard]] std::ptrdiff_t read_now(int fd, std::size_t count);
[[nodiscard]] std::ptrdiff_t write_now(int fd, std::size_t count);

// Reads exactly `count` bytes, waiting for them.
void take(int fd, std::size_t count);

// Writes in pieces without waiting until the kernel takes no more, and returns how much it took.
// The other end must not read meanwhile.
[[nodiscard]] std::size_t fill(int fd);

// Ends a TCP connection with a reset instead of an orderly end.
void reset(FileDescriptor& socket);

// Lets this process have descriptors up to this number while it lives, or no more than those, and
// then as before. At most the hard limit: `limit()` says what came of it.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(std::uint64_t wanted);
  ~DescriptorLimit();
  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;

  [[nodiscard]] std::uint64_t limit() const noexcept { return limit_; }

 private:
  std::uint64_t before_;
  std::uint64_t limit_;
};

// How many descriptors this process has open (/proc/self/fd).
[[nodiscard]] std::size_t open_descriptors();

}  // namespace echomux::claims
