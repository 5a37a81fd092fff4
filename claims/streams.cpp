#include "claims/streams.hpp"

#include <fcntl.h>
#include <limits.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vector>

#include "echo/socket.hpp"
#include "harness/machine/proc_file.hpp"

namespace echomux::claims {
namespace {

// As much as is moved with one call. What the bytes are is of no account here.
constexpr std::size_t most_at_once = std::size_t{1} << 20;

std::vector<char>& scratch() {
  thread_local std::vector<char> bytes(most_at_once, 'x');
  return bytes;
}

void set_option(int socket, int level, int option, int value) {
  check(::setsockopt(socket, level, option, &value, sizeof value), "setsockopt");
}

void set_buffers(int socket, int bytes) {
  if (bytes == 0) return;
  set_option(socket, SOL_SOCKET, SO_SNDBUF, bytes);
  set_option(socket, SOL_SOCKET, SO_RCVBUF, bytes);
}

bool is_socket(int fd) {
  struct stat status {};
  check(::fstat(fd, &status), "fstat");
  return S_ISSOCK(status.st_mode);
}

std::size_t asked(int fd, unsigned long request, const char* name) {
  int count = 0;
  check(::ioctl(fd, request, &count), name);
  return static_cast<std::size_t>(count);
}

}  // namespace

Pipe::Pipe() {
  int ends[2];
  check(::pipe2(ends, O_CLOEXEC), "pipe2");
  read_end.reset(ends[0]);
  write_end.reset(ends[1]);
}

FileDescriptor tcp_client_of(int listener, int buffer_bytes) {
  const Endpoint server = local_endpoint(listener);
  FileDescriptor client(check(::socket(server.family(), SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  set_option(client.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  // Before connect(2), since the window that is offered depends on it.
  set_buffers(client.get(), buffer_bytes);
  check(::connect(client.get(), server.raw(), server.length), "connect");
  return client;
}

Connection tcp_connection(int buffer_bytes) {
  const FileDescriptor listener = listen_on(resolve("127.0.0.1", 0));
  set_option(listener.get(), SOL_SOCKET, SO_OOBINLINE, 0);
  set_buffers(listener.get(), buffer_bytes);
  Connection connection;
  connection.client = tcp_client_of(listener.get(), buffer_bytes);
  connection.server.reset(
      check(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC), "accept4"));
  return connection;
}

Connection unix_connection(int type) {
  int ends[2];
  check(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends), "socketpair");
  return {.server = FileDescriptor(ends[0]), .client = FileDescriptor(ends[1])};
}

bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds limit) {
  constexpr std::chrono::milliseconds interval{1};
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(interval);
  }
  return true;
}

void await(const char* what, const std::function<bool()>& condition) {
  if (!eventually(condition)) {
    throw std::runtime_error(std::string("waited in vain until ") + what);
  }
}

bool ready(int fd, short events, std::chrono::milliseconds limit) {
  pollfd entry{.fd = fd, .events = events, .revents = 0};
  return check(::poll(&entry, 1, static_cast<int>(limit.count())), "poll") > 0;
}

std::size_t unread(int fd) {
  return asked(fd, FIONREAD, "ioctl FIONREAD");
}

std::size_t unacknowledged(int socket) {
  return asked(socket, SIOCOUTQ, "ioctl SIOCOUTQ");
}

bool in_close_wait(int socket) {
  tcp_info info{};
  socklen_t length = sizeof info;
  check(::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &length), "getsockopt TCP_INFO");
  return info.tcpi_state == TCP_CLOSE_WAIT;
}

void end_direction(int socket) {
  check(::shutdown(socket, SHUT_WR), "shutdown");
}

void end_direction(int from, int to) {
  end_direction(from);
  await("the end had arrived", [&] { return in_close_wait(to); });
}

void deliver(int from, int to, std::size_t count) {
  const std::size_t before = unread(to);
  for (std::size_t sent = 0; sent < count;) {
    await("bytes could be written", [&] { return ready(from, POLLOUT); });
    const std::ptrdiff_t now = write_now(from, count - sent);
    if (now > 0) sent += static_cast<std::size_t>(now);
  }
  await("bytes arrived", [&] { return unread(to) == before + count; });
}

std::ptrdiff_t read_now(int fd, std::size_t count) {
  count = std::min(count, most_at_once);
  // A pipe has no such flag for a single call, so it is asked before.
  if (!is_socket(fd) && !ready(fd, POLLIN)) return -EAGAIN;
  const ssize_t result = is_socket(fd) ? ::recv(fd, scratch().data(), count, MSG_DONTWAIT)
                                       : ::read(fd, scratch().data(), count);
  return result < 0 ? -errno : result;
}

std::ptrdiff_t write_now(int fd, std::size_t count) {
  count = std::min(count, is_socket(fd) ? most_at_once : PIPE_BUF);
  if (!is_socket(fd) && !ready(fd, POLLOUT)) return -EAGAIN;
  const ssize_t result = is_socket(fd)
                             ? ::send(fd, scratch().data(), count, MSG_DONTWAIT | MSG_NOSIGNAL)
                             : ::write(fd, scratch().data(), count);
  return result < 0 ? -errno : result;
}

void take(int fd, std::size_t count) {
  for (std::size_t taken = 0; taken < count;) {
    await("bytes could be read", [&] { return ready(fd, POLLIN); });
    const std::ptrdiff_t now = read_now(fd, count - taken);
    if (now == 0) throw std::runtime_error("the stream ended too early");
    if (now > 0) taken += static_cast<std::size_t>(now);
  }
}

std::size_t fill(int fd) {
  std::size_t taken = 0;
  // What is on its way frees room when it arrives, so it is full when it has stayed full.
  while (eventually([&] { return ready(fd, POLLOUT); }, silence)) {
    const std::ptrdiff_t now = write_now(fd, std::size_t{64} * 1024);
    if (now < 0 && now != -EAGAIN) throw std::runtime_error("the other end doesn't take it");
    if (now > 0) taken += static_cast<std::size_t>(now);
  }
  return taken;
}

void reset(FileDescriptor& socket) {
  const linger at_once_with_reset{.l_onoff = 1, .l_linger = 0};
  check(::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &at_once_with_reset,
                     sizeof at_once_with_reset),
        "setsockopt SO_LINGER");
  socket.reset();
}

DescriptorLimit::DescriptorLimit(std::uint64_t wanted) {
  check(::getrlimit(RLIMIT_NOFILE, &before_), "getrlimit");
  now_ = {.rlim_cur = std::min<rlim_t>(wanted, before_.rlim_max), .rlim_max = before_.rlim_max};
  check(::setrlimit(RLIMIT_NOFILE, &now_), "setrlimit");
}

DescriptorLimit::~DescriptorLimit() {
  ::setrlimit(RLIMIT_NOFILE, &before_);
}

int Watch::control(int operation, int fd, std::uint32_t events) noexcept {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  return ::epoll_ctl(epoll_.get(), operation, fd, &event) == 0 ? 0 : errno;
}

void Watch::set(int operation, int fd, std::uint32_t events) {
  errno = control(operation, fd, events);
  if (errno != 0) throw_errno("epoll_ctl");
}

std::uint32_t Watch::wait(std::chrono::milliseconds limit) {
  epoll_event event{};
  int count = 0;
  do {
    count = ::epoll_wait(epoll_.get(), &event, 1, static_cast<int>(limit.count()));
  } while (count < 0 && errno == EINTR);
  return check(count, "epoll_wait") == 0 ? 0 : event.events;
}

Mapping::Mapping(int fd)
    : address_(::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, fd, 0)),
      error_(address_ == MAP_FAILED ? errno : 0) {
  if (fd < 0 && error_ != 0) throw_errno("mmap");
}

Mapping::~Mapping() {
  if (error_ == 0) ::munmap(address_, bytes);
}

Background::Background(std::function<void()> work, std::function<void()> release)
    : release_(std::move(release)), thread_([this, work = std::move(work)] {
        tid_ = ::gettid();
        try {
          work();
        } catch (...) {
          // Seen by what it has not done.
        }
        promise_.set_value();
      }) {}

Background::~Background() {
  if (!ended_within(at_once)) release_();
  thread_.join();
}

bool Background::ended_within(std::chrono::milliseconds limit) const {
  return end_.wait_for(limit) == std::future_status::ready;
}

bool Background::falls_asleep() const {
  await("a thread slept or ended", [&] { return ended_within(at_once) || sleeping(); });
  return !ended_within(silence) && sleeping();
}

bool Background::sleeping() const {
  if (tid_ == 0) return false;
  const std::string text =
      proc::read_file("/proc/self/task/" + std::to_string(tid_) + "/stat").value_or("");
  // The state follows the name, which is in parentheses and may itself hold some.
  const std::size_t name_end = text.rfind(')');
  return name_end != std::string::npos && text.compare(name_end + 1, 2, " S") == 0;
}

}  // namespace echomux::claims
