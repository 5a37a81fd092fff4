#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace echomux {

// `size` bytes that look random and are always the same for the same seed. Streams of different
// seeds differ within the first few bytes, so a byte that reaches the wrong peer is noticed.
[[nodiscard]] std::string make_data(std::size_t size, std::uint64_t seed);
// The same from byte `offset` of that seed's endless stream on.
[[nodiscard]] std::string make_data(std::size_t size, std::uint64_t seed, std::size_t offset);

// Succeeds when both are equal. Otherwise says where they differ: printing megabytes helps nobody.
[[nodiscard]] ::testing::AssertionResult same_bytes(std::string_view actual,
                                                    std::string_view expected);

}  // namespace echomux
