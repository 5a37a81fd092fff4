// What has to be done before the wait: building the set of select and poll, registering with epoll,
// and accepting a connection.
#include <benchmark/benchmark.h>
#include <poll.h>
#include <sys/epoll.h>

#include <algorithm>

#include "echo/socket.hpp"
#include "echo/system_call.hpp"
#include "reproduce/watched.hpp"
#include "select/descriptor_set.hpp"

namespace echomux::micro {
namespace {

void build_select_set(benchmark::State& state) {
  const Watched watched(Kind::pipe, state.range(0));
  for (auto _ : state) {
    DescriptorSet set;
    for (const FileDescriptor& reader : watched.readers()) set.add(reader.get());
    benchmark::DoNotOptimize(set.raw());
  }
}

void build_poll_set(benchmark::State& state) {
  const Watched watched(Kind::pipe, state.range(0));
  for (auto _ : state) {
    std::vector<pollfd> set;
    set.reserve(watched.size());
    for (const FileDescriptor& reader : watched.readers()) {
      set.push_back({.fd = reader.get(), .events = POLLIN, .revents = 0});
    }
    benchmark::DoNotOptimize(set.data());
  }
}

void control(const FileDescriptor& epoll, int operation, int fd, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  check(::epoll_ctl(epoll.get(), operation, fd, &event), "epoll_ctl");
}

FileDescriptor epoll_with(const Watched& watched) {
  FileDescriptor epoll(check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1"));
  for (const FileDescriptor& reader : watched.readers()) {
    control(epoll, EPOLL_CTL_ADD, reader.get(), EPOLLIN);
  }
  return epoll;
}

// All descriptors once: what select and poll pay at every call, epoll pays once.
void build_epoll_set(benchmark::State& state) {
  const Watched watched(Kind::pipe, state.range(0));
  for (auto _ : state) {
    const FileDescriptor epoll = epoll_with(watched);
  }
}

// One registration among N others: the kernel keeps them in a tree.
void epoll_add_and_delete(benchmark::State& state) {
  const Watched watched(Kind::pipe, state.range(0));
  const FileDescriptor epoll = epoll_with(watched);
  const int fd = watched.readers().back().get();
  for (auto _ : state) {
    control(epoll, EPOLL_CTL_DEL, fd, 0);
    control(epoll, EPOLL_CTL_ADD, fd, EPOLLIN);
  }
}

void epoll_modify(benchmark::State& state) {
  const Watched watched(Kind::pipe, state.range(0));
  const FileDescriptor epoll = epoll_with(watched);
  const int fd = watched.readers().back().get();
  std::uint32_t events = EPOLLIN;
  for (auto _ : state) {
    events ^= static_cast<std::uint32_t>(EPOLLPRI);
    control(epoll, EPOLL_CTL_MOD, fd, events);
  }
}

// accept alone: a batch of connections is waiting each time the clock runs. They end with a reset,
// which leaves nothing in TIME_WAIT.
void accept_connection(benchmark::State& state) {
  constexpr std::size_t batch = 100;
  const FileDescriptor listener = listen_on(resolve("127.0.0.1", 0));
  const Endpoint server = local_endpoint(listener.get());
  std::vector<FileDescriptor> clients;
  std::vector<FileDescriptor> accepted;
  for (auto _ : state) {
    if (clients.size() == accepted.size()) {
      state.PauseTiming();
      accepted.clear();
      const linger reset{.l_onoff = 1, .l_linger = 0};
      for (const FileDescriptor& client : clients) {
        ::setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
      }
      clients.clear();
      for (std::size_t i = 0; i < batch; ++i) {
        FileDescriptor client(check(::socket(AF_INET, SOCK_STREAM, 0), "socket"));
        check(::connect(client.get(), server.raw(), server.length), "connect");
        clients.push_back(std::move(client));
      }
      state.ResumeTiming();
    }
    accepted.emplace_back(check(
        ::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC), "accept4"));
  }
}

}  // namespace

void add_set_up() {
  const std::int64_t most = most_pairs();
  const auto over_watched = [&](const char* name, void (*body)(benchmark::State&)) {
    auto* const added = benchmark::RegisterBenchmark(name, [body](benchmark::State& state) {
      body(state);
      state.SetComplexityN(state.range(0));
    });
    for (std::int64_t count = 1; count < most; count *= 10) added->Arg(count);
    added->Arg(most)->ArgName("N")->Complexity();
  };
  over_watched("build_set/select", build_select_set);
  over_watched("build_set/poll", build_poll_set);
  over_watched("build_set/epoll", build_epoll_set);
  over_watched("epoll_ctl/add_and_del", epoll_add_and_delete);
  over_watched("epoll_ctl/mod", epoll_modify);
  benchmark::RegisterBenchmark("accept", accept_connection);
}

}  // namespace echomux::micro
