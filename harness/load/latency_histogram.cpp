#include "harness/load/latency_histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace echomux {
namespace {

// 2048 sub-buckets tell any two values apart that differ in the third significant digit. In every
// bucket but the first the lower half would repeat the one before, so only the upper is stored.
constexpr int sub_bucket_bits = LatencyHistogram::sub_bucket_bits;
constexpr std::uint64_t sub_buckets = std::uint64_t{1} << sub_bucket_bits;
constexpr std::uint64_t half = sub_buckets / 2;

std::size_t index_of(std::uint64_t value) noexcept {
  const int shift = std::max(static_cast<int>(std::bit_width(value)) - sub_bucket_bits, 0);
  return static_cast<std::size_t>((value >> shift) + static_cast<std::uint64_t>(shift) * half);
}

}  // namespace

LatencyHistogram::LatencyHistogram() : counts_(bucket_count) {}

LatencyHistogram::LatencyHistogram(std::span<const std::uint64_t> counts) : LatencyHistogram() {
  constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
  if (counts.size() > bucket_count) throw std::runtime_error("more counts than buckets");
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    if (counts[i] > most - count_) throw std::runtime_error("more values than can be counted");
    counts_[i] = counts[i];
    count_ += counts[i];
    max_ = std::chrono::nanoseconds(bucket(i).highest_ns);
    sum_ns_ += static_cast<double>(counts[i]) * static_cast<double>(bucket(i).middle_ns());
  }
}

LatencyHistogram::Bucket LatencyHistogram::bucket(std::size_t index) noexcept {
  const std::uint64_t shift = index < sub_buckets ? 0 : (index - sub_buckets) / half + 1;
  const std::uint64_t lowest = (index - shift * half) << shift;
  return {.lowest_ns = static_cast<std::int64_t>(lowest),
          .highest_ns = static_cast<std::int64_t>(lowest + (std::uint64_t{1} << shift) - 1)};
}

void LatencyHistogram::record(std::chrono::nanoseconds latency) noexcept {
  const auto ns = std::clamp<std::int64_t>(latency.count(), 0, largest_ns);
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
      return std::min(max_, std::chrono::nanoseconds(bucket(i).highest_ns));
    }
  }
  return max_;
}

std::chrono::nanoseconds LatencyHistogram::mean() const noexcept {
  if (count_ == 0) return std::chrono::nanoseconds(0);
  return std::chrono::nanoseconds(std::llround(sum_ns_ / static_cast<double>(count_)));
}

}  // namespace echomux
