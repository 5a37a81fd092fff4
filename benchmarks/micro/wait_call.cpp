// What one wait costs when N descriptors are watched and k of them are ready: make k random ones
// ready, wait, read them back (the method of table 63-9 in Kerrisk, The Linux Programming
// Interface, with k = 1). no_wait does the same without waiting: what it costs is not the wait's.
// empty_* finds nothing ready and returns at once. The fitted orders that are printed say how each
// grows, with N at k = 1 ("watched") and with k at N = 1000 ("ready").
#include <benchmark/benchmark.h>
#include <poll.h>
#include <sys/epoll.h>

#include <algorithm>
#include <memory>
#include <string>

#include "benchmarks/micro/watched.hpp"
#include "echo/system_call.hpp"
#include "select/descriptor_set.hpp"

namespace echomux::micro {
namespace {

// One way of waiting for a set of descriptors. wait() returns how many are ready and adds to
// `scanned` how many it had examined, by the kernel or by the loop that looks for the ready ones.
class SelectWait {
 public:
  explicit SelectWait(const Watched& watched) : end_(watched.end()) {
    for (const FileDescriptor& reader : watched.readers()) set_.add(reader.get());
  }
  int wait(bool block) {
    answer_ = set_;  // select overwrites its argument, so this copy is part of its cost
    timeval now{};
    const int ready = ::select(end_, answer_.raw(), nullptr, nullptr, block ? nullptr : &now);
    // A program has to look for them, which is a part of the cost too.
    for (int fd = 0, left = ready; fd < end_ && left > 0; ++fd) {
      if (answer_.contains(fd)) --left;
    }
    scanned += static_cast<std::uint64_t>(end_);
    return ready;
  }
  std::uint64_t scanned = 0;

 private:
  DescriptorSet set_;
  DescriptorSet answer_;
  int end_;
};

class PollWait {
 public:
  explicit PollWait(const Watched& watched) {
    for (const FileDescriptor& reader : watched.readers()) {
      set_.push_back({.fd = reader.get(), .events = POLLIN, .revents = 0});
    }
  }
  int wait(bool block) {
    const int ready = ::poll(set_.data(), set_.size(), block ? -1 : 0);
    int left = ready;
    for (std::size_t i = 0; i < set_.size() && left > 0; ++i) {
      if (set_[i].revents != 0) --left;
    }
    benchmark::DoNotOptimize(left);
    scanned += set_.size();
    return ready;
  }
  std::uint64_t scanned = 0;

 private:
  std::vector<pollfd> set_;
};

template <std::uint32_t Mode>
class EpollWait {
 public:
  explicit EpollWait(const Watched& watched) {
    for (const FileDescriptor& reader : watched.readers()) {
      epoll_event event{};
      event.events = EPOLLIN | Mode;
      check(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, reader.get(), &event), "epoll_ctl");
    }
  }
  int wait(bool block) {
    const int ready = ::epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()),
                                   block ? -1 : 0);
    scanned += static_cast<std::uint64_t>(std::max(ready, 0));
    return ready;
  }
  std::uint64_t scanned = 0;

 private:
  FileDescriptor epoll_{check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")};
  std::vector<epoll_event> events_ = std::vector<epoll_event>(1024);
};

class NoWait {
 public:
  explicit NoWait(const Watched& /*watched*/) {}
  std::uint64_t scanned = 0;
};

template <typename Wait>
void wait_for_ready(benchmark::State& state, Kind kind) {
  const std::int64_t ready = state.range(1);
  Watched watched(kind, state.range(0));
  Wait wait(watched);
  for (auto _ : state) {
    watched.make_ready(ready);
    if constexpr (!std::is_same_v<Wait, NoWait>) {
      if (wait.wait(true) != ready) {
        state.SkipWithError("the wait did not report exactly the ready descriptors");
        break;
      }
    }
    watched.drain();
  }
  state.counters["scanned"] = benchmark::Counter(static_cast<double>(wait.scanned),
                                                 benchmark::Counter::kAvgIterations);
}

template <typename Wait>
void wait_for_nothing(benchmark::State& state, Kind kind) {
  Watched watched(kind, state.range(0));
  Wait wait(watched);
  for (auto _ : state) {
    if (wait.wait(false) != 0) {
      state.SkipWithError("the wait reported a descriptor that is not ready");
      break;
    }
  }
  state.counters["scanned"] = benchmark::Counter(static_cast<double>(wait.scanned),
                                                 benchmark::Counter::kAvgIterations);
  state.SetComplexityN(state.range(0));
}

template <typename Wait>
void add(const std::string& mechanism) {
  const std::int64_t most = most_pairs();
  const std::int64_t many = std::min<std::int64_t>(most, 1000);
  for (const Kind kind : all_kinds) {
    const std::string suffix = "/" + std::string(to_string(kind));
    auto* const watched = benchmark::RegisterBenchmark(
        (mechanism + suffix + "/watched").c_str(), [kind](benchmark::State& state) {
          wait_for_ready<Wait>(state, kind);
          state.SetComplexityN(state.range(0));
        });
    for (std::int64_t count = 1; count < most; count *= 10) watched->Args({count, 1});
    watched->Args({most, 1})->ArgNames({"N", "k"})->Complexity();
    auto* const ready = benchmark::RegisterBenchmark(
        (mechanism + suffix + "/ready").c_str(), [kind](benchmark::State& state) {
          wait_for_ready<Wait>(state, kind);
          state.SetComplexityN(state.range(1));
        });
    for (std::int64_t count = 1; count <= many; count *= 10) ready->Args({many, count});
    ready->ArgNames({"N", "k"})->Complexity();
    if constexpr (!std::is_same_v<Wait, NoWait>) {
      auto* const empty = benchmark::RegisterBenchmark(
          ("empty_" + mechanism + suffix).c_str(),
          [kind](benchmark::State& state) { wait_for_nothing<Wait>(state, kind); });
      for (std::int64_t count = 1; count < most; count *= 10) empty->Arg(count);
      empty->Arg(most)->ArgName("N")->Complexity();
    }
  }
}

}  // namespace

void add_wait_calls() {
  add<NoWait>("no_wait");
  add<SelectWait>("select");
  add<PollWait>("poll");
  add<EpollWait<0>>("epoll_lt");
  add<EpollWait<static_cast<std::uint32_t>(EPOLLET)>>("epoll_et");
}

}  // namespace echomux::micro
