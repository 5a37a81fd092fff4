#include "tests/support/bytes.hpp"

#include <algorithm>
#include <cstring>

namespace echomux {
namespace {

constexpr std::uint64_t increment = 0x9E3779B97F4A7C15U;

// SplitMix64 (Steele, Lea and Flood, 2014): the state is a mere counter, so every seed is a good
// one.
std::uint64_t next_word(std::uint64_t& state) {
  state += increment;
  std::uint64_t word = state;
  word = (word ^ (word >> 30U)) * 0xBF58476D1CE4E5B9U;
  word = (word ^ (word >> 27U)) * 0x94D049BB133111EBU;
  return word ^ (word >> 31U);
}

}  // namespace

std::string make_data(std::size_t size, std::uint64_t seed) {
  std::string data(size, '\0');
  std::uint64_t state = seed;
  for (std::size_t at = 0; at < size; at += sizeof state) {
    const std::uint64_t word = next_word(state);
    std::memcpy(data.data() + at, &word, std::min(sizeof word, size - at));
  }
  return data;
}

std::string make_data(std::size_t size, std::uint64_t seed, std::size_t offset) {
  // The state at any word follows from the seed: it grows by the same amount with each.
  const std::size_t within_word = offset % sizeof seed;
  std::string data = make_data(within_word + size, seed + offset / sizeof seed * increment);
  data.erase(0, within_word);
  return data;
}

::testing::AssertionResult same_bytes(std::string_view actual, std::string_view expected) {
  if (actual == expected) return ::testing::AssertionSuccess();
  const auto [a, e] = std::ranges::mismatch(actual, expected);
  const auto at = a - actual.begin();
  auto failure = ::testing::AssertionFailure();
  failure << actual.size() << " bytes instead of " << expected.size() << ", different from byte "
          << at << " on";
  if (a != actual.end() && e != expected.end()) {
    failure << " (" << static_cast<int>(static_cast<unsigned char>(*a)) << " instead of "
            << static_cast<int>(static_cast<unsigned char>(*e)) << ")";
  }
  return failure;
}

}  // namespace echomux
