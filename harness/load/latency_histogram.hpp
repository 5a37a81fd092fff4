#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace echomux {

// Counts of latencies in buckets whose width grows with the value, so that every one is kept to
// three significant decimal digits from 1 ns to more than 60 s, in constant memory and time. The
// layout is that of Gil Tene's HdrHistogram: sub-buckets of equal width within each power of two.
// Not for sharing between threads: each has its own, and they are added up.
class LatencyHistogram {
 public:
  // The layout, by HdrHistogram's names, for those who write it down or read it.
  static constexpr int significant_digits = 3;
  static constexpr int sub_bucket_bits = 11;  // 2048 sub-buckets in each power of two
  static constexpr int largest_bits = 36;
  static constexpr std::int64_t largest_ns = (std::int64_t{1} << largest_bits) - 1;  // 68.7 s
  static constexpr std::size_t bucket_count =
      static_cast<std::size_t>(largest_bits - sub_bucket_bits + 2) << (sub_bucket_bits - 1);

  // The values that are counted together, both ends included.
  struct Bucket {
    std::int64_t lowest_ns;
    std::int64_t highest_ns;
    // What stands for all of them in a mean: the middle one, the upper of the middle two.
    [[nodiscard]] std::int64_t middle_ns() const noexcept {
      return lowest_ns + (highest_ns - lowest_ns + 1) / 2;
    }
  };

  LatencyHistogram();

  // With `counts` from the first bucket on, as counts() gives them. The mean and the maximum, which
  // they don't tell, become those of the middle of each bucket and of the top of the last. Throws
  // std::runtime_error when there are more counts than buckets, or more values than 2^63 - 1.
  explicit LatencyHistogram(std::span<const std::uint64_t> counts);

  // Counts one latency. Below zero counts as zero, above the largest as the largest.
  void record(std::chrono::nanoseconds latency) noexcept;

  void add(const LatencyHistogram& other) noexcept;

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }

  // The smallest recorded value that at least `percent` of all are not above (0 to 100), exact to
  // the width of its bucket; zero when nothing was recorded.
  [[nodiscard]] std::chrono::nanoseconds percentile(double percent) const noexcept;

  [[nodiscard]] std::chrono::nanoseconds max() const noexcept { return max_; }
  [[nodiscard]] std::chrono::nanoseconds mean() const noexcept;

  // How many values each bucket has counted, all buckets in the order of their values.
  [[nodiscard]] std::span<const std::uint64_t> counts() const noexcept { return counts_; }

  // `index` is below bucket_count.
  [[nodiscard]] static Bucket bucket(std::size_t index) noexcept;

 private:
  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0;
  std::chrono::nanoseconds max_{0};
  double sum_ns_ = 0;
};

}  // namespace echomux
