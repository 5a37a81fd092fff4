#pragma once

#include <fmt/core.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <functional>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "claims/claim.hpp"
#include "echo/file_descriptor.hpp"
#include "echo/system_call.hpp"

// Pipes, connections and epoll instances, and how far the bytes in them have come. All of these
// throw std::system_error for what can't be set up, and std::runtime_error for what doesn't come
// about within `patience`.
namespace echomux::claims {

inline constexpr std::chrono::milliseconds at_once{0};
// How long nothing must happen to count as never. What would happen here happens within the
// microseconds that it takes to wake a thread, so this leaves room for a busy machine.
inline constexpr std::chrono::milliseconds silence{60};
// The limit of every wait for something that must come.
inline constexpr std::chrono::milliseconds patience{5000};

// For a TCP connection that is soon full.
inline constexpr int small_buffers = 16 * 1024;

// The two ends of a pipe(2), blocking.
struct Pipe {
  Pipe();

  FileDescriptor read_end;
  FileDescriptor write_end;
};

// The two ends of a stream, blocking, without Nagle's algorithm.
struct Connection {
  FileDescriptor server;  // the accepted end
  FileDescriptor client;  // the end that connected
};

// A TCP connection over the loopback device. `buffer_bytes` is asked for as SO_SNDBUF and SO_RCVBUF
// of both ends, of which the kernel makes twice as much; 0 leaves them to the system.
[[nodiscard]] Connection tcp_connection(int buffer_bytes = 0);

// Calls `observe` with the name and both ends of a pipe and of a TCP connection.
template <typename Observe>
void on_pipe_and_tcp(Observe observe, int buffer_bytes = 0) {
  const Pipe pipe;
  observe(std::string("pipe"), pipe.write_end.get(), pipe.read_end.get());
  const Connection tcp = tcp_connection(buffer_bytes);
  observe(std::string("tcp"), tcp.client.get(), tcp.server.get());
}

// Two connected sockets of the Unix domain, of SOCK_STREAM or another type.
[[nodiscard]] Connection unix_connection(int type);

// A listening TCP socket on a port that the kernel chooses, and a client connected to it.
[[nodiscard]] FileDescriptor tcp_client_of(int listener, int buffer_bytes = 0);

// Asks again and again until the condition holds or the limit is over; returns whether it holds.
[[nodiscard]] bool eventually(const std::function<bool()>& condition,
                              std::chrono::milliseconds limit = patience);
// The same, but throws std::runtime_error, which says what was awaited, when the limit is over.
void await(const char* what, const std::function<bool()>& condition);

// Whether poll(2) reports one of these events within this time.
[[nodiscard]] bool ready(int fd, short events, std::chrono::milliseconds limit = at_once);
// How many bytes a read would find (FIONREAD), and how many of those sent the peer's kernel has not
// yet acknowledged (SIOCOUTQ).
[[nodiscard]] std::size_t unread(int fd);
[[nodiscard]] std::size_t unacknowledged(int socket);

// Whether the peer has ended its direction and this end has not (TCP_CLOSE_WAIT).
[[nodiscard]] bool in_close_wait(int socket);
// Ends this end's direction; the second one also waits until the other end has learned of it.
void end_direction(int socket);
void end_direction(int from, int to);

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

  [[nodiscard]] std::uint64_t limit() const noexcept { return now_.rlim_cur; }

 private:
  rlimit before_{};
  rlimit now_{};
};

// An epoll instance, made to see what it reports about one descriptor. Throws std::system_error.
class Watch {
 public:
  Watch() = default;
  Watch(int fd, std::uint32_t events) { add(fd, events); }

  void add(int fd, std::uint32_t events) { set(EPOLL_CTL_ADD, fd, events); }
  void change(int fd, std::uint32_t events) { set(EPOLL_CTL_MOD, fd, events); }
  // epoll_ctl(2) with this operation, which may fail: the errno, 0 if it doesn't.
  [[nodiscard]] int control(int operation, int fd, std::uint32_t events) noexcept;

  // What is reported within this time of one descriptor: the events, 0 for nothing.
  [[nodiscard]] std::uint32_t wait(std::chrono::milliseconds limit = at_once);

  [[nodiscard]] int fd() const noexcept { return epoll_.get(); }

 private:
  void set(int operation, int fd, std::uint32_t events);

  FileDescriptor epoll_{check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")};
};

// An anonymous mapping of one page, or one of what a descriptor refers to; unmapped at the end.
class Mapping {
 public:
  static constexpr std::size_t bytes = 4096;

  explicit Mapping(int fd);
  ~Mapping();
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  [[nodiscard]] void* get() const noexcept { return address_; }
  // Of mmap(2); 0 if it went well.
  [[nodiscard]] int error() const noexcept { return error_; }

 private:
  void* address_;
  int error_;
};

// Something that is done in a thread of its own, so that it can be seen to block and still be
// ended: unless it has come to its end, the destructor calls `release`, which must let it, and then
// waits for that. What it throws is lost, but counts as its end.
class Background {
 public:
  Background(std::function<void()> work, std::function<void()> release);
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  // Whether it comes to its end within this time. What it has written may be read then.
  [[nodiscard]] bool ended_within(std::chrono::milliseconds limit) const;

  // Whether it falls asleep in the kernel and stays so for the time `silence`. Throws
  // std::runtime_error when it neither does nor ends.
  [[nodiscard]] bool falls_asleep() const;

 private:
  [[nodiscard]] bool sleeping() const;

  std::function<void()> release_;
  std::promise<void> promise_;
  std::future<void> end_ = promise_.get_future();
  std::atomic<pid_t> tid_ = 0;
  std::thread thread_;
};

}  // namespace echomux::claims
