// What one wait costs when N descriptors are watched and k of them are ready: make k random ones
// ready, wait, read them back (the method of table 63-9 in Kerrisk, The Linux Programming
// Interface, with k = 1). no_wait does the same without waiting: what it costs is not the wait's.
// empty_* finds nothing ready and returns at once. The fitted orders that are printed say how each
// grows, with N at k = 1 ("watched") and with k at N = 1000 ("ready").
#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>

#include "reproduce/waits.hpp"

namespace echomux::micro {
namespace {

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
  state.counters["scanned"] =
      benchmark::Counter(static_cast<double>(wait.scanned), benchmark::Counter::kAvgIterations);
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
  state.counters["scanned"] =
      benchmark::Counter(static_cast<double>(wait.scanned), benchmark::Counter::kAvgIterations);
  state.SetComplexityN(state.range(0));
}

template <typename Wait>
void add(const std::string& mechanism) {
  const std::int64_t most = most_pairs();
  const std::int64_t many = std::min<std::int64_t>(most, 1000);
  for (const Kind kind : all_kinds) {
    const std::string suffix = "/" + std::string(to_string(kind));
    auto* const watched = benchmark::RegisterBenchmark((mechanism + suffix + "/watched").c_str(),
                                                       [kind](benchmark::State& state) {
                                                         wait_for_ready<Wait>(state, kind);
                                                         state.SetComplexityN(state.range(0));
                                                       });
    for (std::int64_t count = 1; count < most; count *= 10) watched->Args({count, 1});
    watched->Args({most, 1})->ArgNames({"N", "k"})->Complexity();
    auto* const ready = benchmark::RegisterBenchmark((mechanism + suffix + "/ready").c_str(),
                                                     [kind](benchmark::State& state) {
                                                       wait_for_ready<Wait>(state, kind);
                                                       state.SetComplexityN(state.range(1));
                                                     });
    for (std::int64_t count = 1; count <= many; count *= 10) ready->Args({many, count});
    ready->ArgNames({"N", "k"})->Complexity();
    if constexpr (!std::is_same_v<Wait, NoWait>) {
      auto* const empty = benchmark::RegisterBenchmark(
          std::string("empty_").append(mechanism).append(suffix).c_str(),
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
  add<EpollLtWait>("epoll_lt");
  add<EpollEtWait>("epoll_et");
}

}  // namespace echomux::micro
