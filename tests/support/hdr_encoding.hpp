#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <vector>

namespace echomux {

// An encoder of HdrHistogram's V2 form apart from the one under test, for texts that this would
// never write.

[[nodiscard]] inline std::string base64(const std::string& bytes) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bits;
  for (const char byte : bytes) {
    for (int i = 7; i >= 0; --i)
      bits += (static_cast<unsigned char>(byte) >> i & 1) != 0 ? '1' : '0';
  }
  while (bits.size() % 6 != 0) bits += '0';
  std::string text;
  for (std::size_t i = 0; i < bits.size(); i += 6) {
    text += digits[std::stoul(bits.substr(i, 6), nullptr, 2)];
  }
  while (text.size() % 4 != 0) text += '=';
  return text;
}

[[nodiscard]] inline std::string big_endian(std::uint64_t value, int size) {
  std::string bytes;
  for (int i = size - 1; i >= 0; --i) bytes += static_cast<char>(value >> (8 * i) & 0xffU);
  return bytes;
}

[[nodiscard]] inline std::string deflated(const std::string& bytes) {
  std::vector<Bytef> out(::compressBound(bytes.size()));
  uLongf size = out.size();
  const std::vector<Bytef> in(bytes.begin(), bytes.end());
  if (::compress(out.data(), &size, in.data(), in.size()) != Z_OK) throw std::bad_alloc();
  return {out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size)};
}

[[nodiscard]] inline std::string wrapped(const std::string& encoding,
                                         std::uint64_t cookie = 0x1c849314) {
  const std::string compressed = deflated(encoding);
  return base64(big_endian(cookie, 4) + big_endian(compressed.size(), 4) + compressed);
}

// The encoding with these counts as they are in it, and a header that tests put something else in.
struct Encoding {
  std::string counts;
  std::uint64_t cookie = 0x1c849313;
  std::uint64_t offset = 0;
  std::uint64_t digits = 3;
  std::uint64_t lowest = 1;
  std::uint64_t highest = (std::uint64_t{1} << 36) - 1;
  std::uint64_t ratio = 0x3ff0'0000'0000'0000;  // the bits of 1.0
  std::uint64_t missing = 0;

  [[nodiscard]] std::string text() const {
    return wrapped(big_endian(cookie, 4) + big_endian(counts.size() + missing, 4) +
                   big_endian(offset, 4) + big_endian(digits, 4) + big_endian(lowest, 8) +
                   big_endian(highest, 8) + big_endian(ratio, 8) + counts);
  }
};

}  // namespace echomux
