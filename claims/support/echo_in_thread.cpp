#include "claims/support/echo_in_thread.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <chrono>
#include <stdexcept>

#include "echo/socket.hpp"
#include "echo/system_call.hpp"
#include "harness/machine/cpu.hpp"

namespace echomux::claims {

EchoInThread::EchoInThread(std::int64_t connections, bool flips)
    : connections_(micro::Kind::tcp, connections),
      flips_(flips),
      held_(static_cast<std::size_t>(connections_.end())),
      epoll_(check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {
  for (const FileDescriptor& socket : connections_.readers()) {
    set_nonblocking(socket.get());
    interest(EPOLL_CTL_ADD, socket.get(), EPOLLIN);
  }
  calls_ = 0;
}

double EchoInThread::message_us() {
  const std::size_t messages_before = messages_;
  const Message message{};
  std::chrono::nanoseconds spent{0};
  while (spent < std::chrono::milliseconds(5)) {
    send_all(message);
    const std::chrono::nanoseconds begin = thread_cpu_time();
    for (std::size_t answered = 0; answered < connections_.size();) answered += turn();
    spent += thread_cpu_time() - begin;
    receive_all(message);
    messages_ += connections_.size();
  }
  return std::chrono::duration<double, std::micro>(spent).count() /
         static_cast<double>(messages_ - messages_before);
}

double EchoInThread::calls_per_message() const {
  return static_cast<double>(calls_) / static_cast<double>(messages_);
}

void EchoInThread::send_all(const Message& message) const {
  for (const FileDescriptor& client : connections_.writers()) {
    check(::send(client.get(), message.data(), message.size(), MSG_NOSIGNAL), "send");
  }
}

void EchoInThread::receive_all(const Message& expected) const {
  for (const FileDescriptor& client : connections_.writers()) {
    Message back{};
    const ssize_t count = ::recv(client.get(), back.data(), back.size(), MSG_DONTWAIT);
    if (count != static_cast<ssize_t>(back.size()) || back != expected) {
      throw std::runtime_error("an echo came back wrong, or not at all");
    }
  }
}

std::size_t EchoInThread::turn() {
  std::array<epoll_event, 64> events{};
  constexpr int limit_ms = 5000;
  const int count =
      check(::epoll_wait(epoll_.get(), events.data(), events.size(), limit_ms), "epoll_wait");
  if (count == 0) throw std::runtime_error("a message never came");
  ++calls_;
  std::size_t answered = 0;
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (serve(event.data.fd, event.events)) ++answered;
  }
  return answered;
}

// True when the message has been answered.
bool EchoInThread::serve(int fd, std::uint32_t events) {
  Message& message = held_[static_cast<std::size_t>(fd)];
  if ((events & EPOLLIN) != 0) {
    check(::recv(fd, message.data(), message.size(), 0), "recv");
    ++calls_;
    if (flips_) {
      interest(EPOLL_CTL_MOD, fd, EPOLLOUT);
      return false;
    }
  }
  check(::send(fd, message.data(), message.size(), MSG_NOSIGNAL), "send");
  ++calls_;
  if (flips_) interest(EPOLL_CTL_MOD, fd, EPOLLIN);
  return true;
}

void EchoInThread::interest(int operation, int fd, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  check(::epoll_ctl(epoll_.get(), operation, fd, &event), "epoll_ctl");
  ++calls_;
}

}  // namespace echomux::claims
