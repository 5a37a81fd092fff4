#pragma once

#include <chrono>
#include <cmath>
#include <cstdint>

#include "harness/load/load.hpp"

namespace echomux {

// When the messages of one of an open loop's `connections` are due. Uniform arrivals go round the
// connections in turn. Poisson arrivals are an independent Poisson process per connection, which
// add up to one of the whole rate; they are the same in every run with the same seed.
class ArrivalSchedule {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // `connection` counts from zero.
  ArrivalSchedule(const Load& load, std::size_t connection)
      : interval_ns_(1e9 / load.requests_per_second),
        stride_(load.active_connections),
        connection_(connection),
        poisson_(load.arrivals == Arrivals::poisson),
        random_(load.seed * 0xd1342543de82ef95 + connection) {}

  // The first message is due at `start` or after it. Called again, the random numbers go on.
  void begin(TimePoint start) noexcept {
    start_ = start;
    message_ = connection_;
    if (poisson_) elapsed_ns_ = gap_ns();
  }

  // When the next message is due.
  [[nodiscard]] TimePoint due() const noexcept {
    // From the message's number, not from the one before: rounding must not add up.
    const double ns =
        poisson_ ? elapsed_ns_ : std::round(static_cast<double>(message_) * interval_ns_);
    return start_ + std::chrono::nanoseconds(static_cast<std::int64_t>(ns));
  }

  // Goes on to the one after it.
  void advance() noexcept {
    message_ += stride_;
    if (poisson_) elapsed_ns_ += gap_ns();
  }

 private:
  // The time to the next event of a Poisson process: exponentially distributed.
  double gap_ns() noexcept {
    const double uniform = (static_cast<double>(next_random() >> 11U) + 0.5) * 0x1p-53;
    return -std::log(uniform) * interval_ns_ * static_cast<double>(stride_);
  }

  // SplitMix64 (Steele, Lea and Flood, 2014): eight bytes of state, because there may be thousands.
  std::uint64_t next_random() noexcept {
    random_ += 0x9e3779b97f4a7c15;
    std::uint64_t z = random_;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111eb;
    return z ^ (z >> 31U);
  }

  TimePoint start_;
  double interval_ns_;
  std::uint64_t stride_;
  std::uint64_t connection_;
  std::uint64_t message_ = 0;  // its number over all connections
  bool poisson_;
  std::uint64_t random_;
  double elapsed_ns_ = 0;  // Poisson: when the next is due, since the start
};

}  // namespace echomux
