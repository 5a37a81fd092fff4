#pragma once

#include <chrono>

namespace echomux {

[[nodiscard]] constexpr double to_seconds(std::chrono::nanoseconds time) noexcept {
  return std::chrono::duration<double>(time).count();
}

[[nodiscard]] constexpr double to_us(std::chrono::nanoseconds time) noexcept {
  return std::chrono::duration<double, std::micro>(time).count();
}

}  // namespace echomux
