#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "harness/load/load.hpp"

namespace echomux {

// What each connection sends: its own stretch of one random text that repeats after a prime number
// of bytes, so that a byte lost, doubled, moved or taken from another connection shows. As text, of
// characters that every server takes for a part of a line: no blanks, which some cut off.
class SwarmText {
 public:
  explicit SwarmText(Payload payload = Payload::binary) : text_(period + chunk_bytes) {
    constexpr std::uint64_t first = '!';
    constexpr std::uint64_t characters = '~' - '!' + 1;
    std::mt19937_64 random(0x65'63'68'6f);
    for (std::size_t i = 0; i < period; ++i) {
      const std::uint64_t number = random();
      text_[i] =
          static_cast<std::byte>(payload == Payload::text ? first + number % characters : number);
    }
    std::copy_n(text_.begin(), chunk_bytes, text_.begin() + period);
  }

  // The longest stretch that at() returns.
  static constexpr std::size_t chunk_bytes = std::size_t{64} * 1024;

  // At most chunk_bytes bytes of what connection `number` sends, from `offset` in its stream on.
  [[nodiscard]] std::span<const std::byte> at(std::size_t number, std::uint64_t offset,
                                              std::size_t length) const noexcept {
    const std::uint64_t start = (std::uint64_t{2'654'435'761} * number + offset) % period;
    return std::span(text_).subspan(static_cast<std::size_t>(start), std::min(length, chunk_bytes));
  }

 private:
  static constexpr std::size_t period = 65'537;
  std::vector<std::byte> text_;
};

}  // namespace echomux
