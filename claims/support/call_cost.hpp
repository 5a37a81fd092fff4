#pragma once

#include <chrono>

#include "harness/machine/cpu.hpp"

namespace echomux::claims {

// The CPU time of one call of `call` in this thread, in microseconds: the mean over as many calls
// as take five milliseconds, and sixteen at least.
template <typename Call>
[[nodiscard]] double call_us(Call&& call) {
  constexpr std::chrono::nanoseconds least_time = std::chrono::milliseconds(5);
  constexpr int batch = 16;  // between two readings of the clock, which is a system call too
  int calls = 0;
  std::chrono::nanoseconds spent{0};
  const std::chrono::nanoseconds begin = thread_cpu_time();
  while (spent < least_time) {
    for (int i = 0; i < batch; ++i) call();
    calls += batch;
    spent = thread_cpu_time() - begin;
  }
  return std::chrono::duration<double, std::micro>(spent).count() / calls;
}

}  // namespace echomux::claims
