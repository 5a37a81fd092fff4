#include "harness/latency_histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace echomux {
namespace {

// 2048 sub-buckets tell any two values apart that differ in the third significant digit. In every
// bucket but the first the lower half would repeat the one before, so only the upper is stored.
constexpr int sub_bucket_bits = 11;
constexpr std::uint64_t sub_buckets = std::uint64_t{1} << sub_bucket_bits;
constexpr std::uint64_t half = sub_buckets / 2;
constexpr int largest_bits = 36;  // 2^36 ns is 68.7 s
constexpr std::uint64_t largest = (std::uint64_t{1} << largest_bits) - 1;
constexpr std::size_t bucket_count =
    sub_buckets + half * static_cast<std::size_t>(largest_bits - sub_bucket_bits);

std::size_t index_of(std::uint64_t value) noexcept {
  const int shift = std::max(static_cast<int>(std::bit_width(value)) - sub_bucket_bits, 0);
  return static_cast<std::size_t>((value >> shift) + static_cast<std::uint64_t>(shift) * half);
}

// The largest value that is counted at `index`.
std::uint64_t highest_at(std::size_t index) noexcept {
  if (index < sub_buckets) return index;
  const std::uint64_t shift = (index - sub_buckets) / half + 1;
  const std::uint64_t sub_bucket = index - shift * half;
  return ((sub_bucket + 1) << shift) - 1;
}

}  // namespace

LatencyHistogram::LatencyHistogram() : counts_(bucket_count) {}

void LatencyHistogram::record(std::chrono::nanoseconds latency) noexcept {
  const auto ns = std::clamp<std::int64_t>(latency.count(), 0, std::int64_t{largest});
  ++counts_[index_of(static_cast<std::uint64_t>(ns))];
  ++count_;
  max_ = std::max(max_, std::chrono::nanoseconds(ns));
  sum_ns_ += static_cast<double>(ns);
}

void LatencyHistogram::add(const LatencyHistogram& other) noexcept {
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
  sum_ns_ += other.sum_ns_;
}

std::chrono::nanoseconds LatencyHistogram::percentile(double percent) const noexcept {
  if (count_ == 0) return std::chrono::nanoseconds(0);
  const double wanted =
      std::ceil(std::clamp(percent, 0.0, 100.0) / 100 * static_cast<double>(count_));
  const auto rank = std::max<std::uint64_t>(static_cast<std::uint64_t>(wanted), 1);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen >= rank) {
      return std::min(max_, std::chrono::nanoseconds(static_cast<std::int64_t>(highest_at(i))));
    }
  }
  return max_;
}

std::chrono::nanoseconds LatencyHistogram::mean() const noexcept {
  if (count_ == 0) return std::chrono::nanoseconds(0);
  return std::chrono::nanoseconds(std::llround(sum_ns_ / static_cast<double>(count_)));
}

}  // namespace echomux
