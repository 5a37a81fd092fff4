#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

namespace echomux {

// Counts of latencies in buckets whose width grows with the value, so that every one is kept to
// three significant decimal digits from 1 ns to more than 60 s, in constant memory and time. The
// layout is that of Gil Tene's HdrHistogram: sub-buckets of equal width within each power of two.
// Not for sharing between threads: each has its own, and they are added up.
class LatencyHistogram {
 public:
  LatencyHistogram();

  // Counts one latency. Below zero counts as zero, above the largest as the largest.
  void record(std::chrono::nanoseconds latency) noexcept;

  void add(const LatencyHistogram& other) noexcept;

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }

  // The smallest recorded value that at least `percent` of all are not above (0 to 100), exact to
  // the width of its bucket; zero when nothing was recorded.
  [[nodiscard]] std::chrono::nanoseconds percentile(double percent) const noexcept;

  [[nodiscard]] std::chrono::nanoseconds max() const noexcept { return max_; }
  [[nodiscard]] std::chrono::nanoseconds mean() const noexcept;

 private:
  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0;
  std::chrono::nanoseconds max_{0};
  double sum_ns_ = 0;
};

}  // namespace echomux
