// What one monitoring operation costs when N pipes are watched: write a byte to a random pipe, wait
// with select, poll or epoll, read the byte back (the method of table 63-9 in Kerrisk, The Linux
// Programming Interface). no_wait does the same without waiting: what it costs is not the wait's.
// Google Benchmark's usual flags work.
#include <benchmark/benchmark.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <random>
#include <vector>

#include "echo/file_descriptor.hpp"
#include "echo/system_call.hpp"
#include "select/descriptor_set.hpp"

namespace {

using namespace echomux;

// N pipes, of which a random one has a byte to read.
class Pipes {
 public:
  explicit Pipes(std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
      std::array<int, 2> ends{};
      check(::pipe(ends.data()), "pipe");
      readers_.emplace_back(ends[0]);
      writers_.emplace_back(ends[1]);
    }
  }

  [[nodiscard]] const std::vector<FileDescriptor>& readers() const { return readers_; }

  void make_one_ready() {
    chosen_ = std::uniform_int_distribution<std::size_t>(0, readers_.size() - 1)(random_);
    check(::write(writers_[chosen_].get(), "x", 1), "write");
  }
  void read_it_back() {
    char byte = 0;
    check(::read(readers_[chosen_].get(), &byte, 1), "read");
  }

 private:
  std::vector<FileDescriptor> readers_;
  std::vector<FileDescriptor> writers_;
  std::mt19937 random_{1};
  std::size_t chosen_ = 0;
};

// `wait` must report exactly one ready descriptor.
template <typename Wait>
void measure(benchmark::State& state, Pipes& pipes, Wait wait) {
  for (auto _ : state) {
    pipes.make_one_ready();
    if (wait() != 1) {
      state.SkipWithError("the wait did not report exactly one ready descriptor");
      break;
    }
    pipes.read_it_back();
  }
  state.SetComplexityN(state.range(0));
}

void no_wait(benchmark::State& state) {
  Pipes pipes(state.range(0));
  measure(state, pipes, [] { return 1; });
}

void select_call(benchmark::State& state) {
  Pipes pipes(state.range(0));
  DescriptorSet watched;
  int end = 0;
  for (const FileDescriptor& reader : pipes.readers()) {
    watched.add(reader.get());
    end = std::max(end, reader.get() + 1);
  }
  DescriptorSet answer;
  measure(state, pipes, [&] {
    answer = watched;  // select overwrites its argument, so this copy is part of its cost
    return ::select(end, answer.raw(), nullptr, nullptr, nullptr);
  });
}

void poll_call(benchmark::State& state) {
  Pipes pipes(state.range(0));
  std::vector<pollfd> watched;
  for (const FileDescriptor& reader : pipes.readers()) {
    watched.push_back({.fd = reader.get(), .events = POLLIN, .revents = 0});
  }
  measure(state, pipes, [&] { return ::poll(watched.data(), watched.size(), -1); });
}

void epoll_call(benchmark::State& state) {
  Pipes pipes(state.range(0));
  const FileDescriptor epoll(check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1"));
  for (const FileDescriptor& reader : pipes.readers()) {
    epoll_event event{};
    event.events = EPOLLIN;
    check(::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, reader.get(), &event), "epoll_ctl");
  }
  std::array<epoll_event, 64> events{};
  measure(state, pipes, [&] {
    return ::epoll_wait(epoll.get(), events.data(), static_cast<int>(events.size()), -1);
  });
}

// Two descriptors per pipe: 400 of them fit into the usual limit of 1024.
constexpr std::int64_t fewest = 1;
constexpr std::int64_t most = 400;

BENCHMARK(no_wait)->RangeMultiplier(4)->Range(fewest, most)->Complexity();
BENCHMARK(select_call)->RangeMultiplier(4)->Range(fewest, most)->Complexity();
BENCHMARK(poll_call)->RangeMultiplier(4)->Range(fewest, most)->Complexity();
BENCHMARK(epoll_call)->RangeMultiplier(4)->Range(fewest, most)->Complexity();

}  // namespace

BENCHMARK_MAIN();
