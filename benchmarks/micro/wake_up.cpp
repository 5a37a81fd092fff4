// What an echo costs without any server around it, and what it costs to be woken up for it: by a
// blocking recv in a thread of its own, or by epoll.
#include <benchmark/benchmark.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "echo/socket.hpp"
#include "echo/system_call.hpp"
#include "reproduce/watched.hpp"

namespace echomux::micro {
namespace {

// Two connected TCP sockets.
struct Connection {
  FileDescriptor client;
  FileDescriptor server;
};

Connection connect_pair() {
  const FileDescriptor listener = listen_on(resolve("127.0.0.1", 0));
  const Endpoint address = local_endpoint(listener.get());
  FileDescriptor client(check(::socket(AF_INET, SOCK_STREAM, 0), "socket"));
  check(::connect(client.get(), address.raw(), address.length), "connect");
  return {std::move(client),
          FileDescriptor(check(::accept(listener.get(), nullptr, nullptr), "accept"))};
}

// There and back in one thread, so that nobody is ever woken: four system calls and the kernel's
// way through TCP.
void echo_round_trip(benchmark::State& state) {
  const Connection connection = connect_pair();
  std::array<char, 64> message{};
  for (auto _ : state) {
    check(::send(connection.client.get(), message.data(), message.size(), 0), "send");
    check(::recv(connection.server.get(), message.data(), message.size(), MSG_WAITALL), "recv");
    check(::send(connection.server.get(), message.data(), message.size(), 0), "send");
    check(::recv(connection.client.get(), message.data(), message.size(), MSG_WAITALL), "recv");
  }
}

// The same with the server in a thread that sleeps: each side wakes the other. `wait` sleeps until
// the socket can be read, or does nothing when recv itself sleeps.
template <typename Wait>
void ping_pong(benchmark::State& state, Wait&& make_wait) {
  const Connection connection = connect_pair();
  std::thread server([&, wait = make_wait(connection.server.get())]() mutable {
    std::array<char, 64> message{};
    for (;;) {
      wait();
      const ssize_t count =
          ::recv(connection.server.get(), message.data(), message.size(), MSG_WAITALL);
      if (count <= 0) return;
      if (::send(connection.server.get(), message.data(), static_cast<std::size_t>(count),
                 MSG_NOSIGNAL) < 0) {
        return;
      }
    }
  });
  std::array<char, 64> message{};
  for (auto _ : state) {
    check(::send(connection.client.get(), message.data(), message.size(), 0), "send");
    check(::recv(connection.client.get(), message.data(), message.size(), MSG_WAITALL), "recv");
  }
  ::shutdown(connection.client.get(), SHUT_WR);
  server.join();
}

void wake_blocking_recv(benchmark::State& state) {
  ping_pong(state, [](int) { return [] {}; });
}

void wake_epoll(benchmark::State& state) {
  ping_pong(state, [](int fd) {
    FileDescriptor epoll(check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1"));
    epoll_event event{};
    event.events = EPOLLIN | EPOLLRDHUP;
    check(::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
    return [epoll = std::move(epoll)] {
      epoll_event ready{};
      check(::epoll_wait(epoll.get(), &ready, 1, -1), "epoll_wait");
    };
  });
}

}  // namespace

void add_wake_ups() {
  benchmark::RegisterBenchmark("echo_round_trip/one_thread", echo_round_trip);
  benchmark::RegisterBenchmark("echo_round_trip/wake_blocking_recv", wake_blocking_recv)
      ->UseRealTime();
  benchmark::RegisterBenchmark("echo_round_trip/wake_epoll", wake_epoll)->UseRealTime();
}

}  // namespace echomux::micro
