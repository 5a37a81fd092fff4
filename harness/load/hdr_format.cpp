#include "harness/load/hdr_format.hpp"

#include <fmt/core.h>
#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <span>
#include <stdexcept>
#include <vector>

namespace echomux {
namespace {

using Bytes = std::vector<unsigned char>;

constexpr std::uint32_t counts_cookie = 0x1c849303 | 0x10;  // V2, counts in ZigZag LEB128
constexpr std::uint32_t compressed_cookie = 0x1c849304 | 0x10;
constexpr std::size_t header_size = 40;
constexpr std::size_t longest_count = 9;
constexpr std::size_t longest_encoding =
    header_size + longest_count * LatencyHistogram::bucket_count;

[[noreturn]] void refuse(const char* why) {
  throw std::runtime_error(std::string("not a histogram in HdrHistogram's V2 form: ") + why);
}

constexpr std::string_view base64_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string to_base64(std::span<const unsigned char> bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t present = std::min<std::size_t>(bytes.size() - i, 3);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (k < present ? bytes[i + k] : 0U);
    for (std::size_t k = 0; k < 4; ++k) {
      text += k <= present ? base64_digits[group >> (18 - 6 * k) & 63U] : '=';
    }
  }
  return text;
}

Bytes from_base64(std::string_view text) {
  if (text.size() % 4 != 0) refuse("its base64 doesn't come in groups of four");
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  text.remove_suffix(padding);
  Bytes bytes;
  std::uint32_t pending = 0;
  int bits = 0;
  for (const char digit : text) {
    const std::size_t value = base64_digits.find(digit);
    if (value == std::string_view::npos) refuse("there is a character that isn't base64");
    pending = pending << 6 | static_cast<std::uint32_t>(value);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes.push_back(static_cast<unsigned char>(pending >> bits));
      pending &= (1U << bits) - 1;
    }
  }
  if (pending != 0) refuse("its base64 ends in stray bits");
  return bytes;
}

// Appends the lowest `size` bytes of `value`, the highest first.
void put(Bytes& bytes, std::uint64_t value, int size) {
  for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<unsigned char>(value >> shift));
  }
}

// Takes bytes from the front of what is left of an encoding, and refuses to take more.
class Reader {
 public:
  explicit Reader(std::span<const unsigned char> bytes) : rest_(bytes) {}

  [[nodiscard]] std::span<const unsigned char> rest() const { return rest_; }

  // A number of `size` bytes, the highest first.
  std::uint64_t number(int size) {
    std::uint64_t value = 0;
    for (int i = 0; i < size; ++i) value = value << 8 | byte();
    return value;
  }

  // A number in LEB128 under ZigZag. Seven bits a byte, the lowest first, but eight in the ninth.
  std::int64_t zigzag() {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < longest_count; ++i) {
      const std::uint64_t next = byte();
      const bool last = i + 1 == longest_count;
      value |= (last ? next : next & 0x7fU) << (7 * i);
      if (last || next < 0x80U) break;
    }
    return static_cast<std::int64_t>(value >> 1 ^ (0 - (value & 1U)));
  }

 private:
  unsigned char byte() {
    if (rest_.empty()) refuse("it ends too early");
    const unsigned char first = rest_.front();
    rest_ = rest_.subspan(1);
    return first;
  }

  std::span<const unsigned char> rest_;
};

void put_zigzag(Bytes& bytes, std::int64_t number) {
  auto value = static_cast<std::uint64_t>(number) << 1 ^ (number < 0 ? ~std::uint64_t{0} : 0);
  for (std::size_t i = 0; i + 1 < longest_count && value >= 0x80U; ++i) {
    bytes.push_back(static_cast<unsigned char>(value | 0x80U));
    value >>= 7;
  }
  bytes.push_back(static_cast<unsigned char>(value));
}

// Up to the last count that isn't zero; a run of zeros is written as its length below zero.
Bytes encode_counts(std::span<const std::uint64_t> counts) {
  Bytes bytes;
  std::int64_t zeros = 0;
  for (const std::uint64_t count : counts) {
    if (count == 0) {
      ++zeros;
      continue;
    }
    if (zeros > 0) put_zigzag(bytes, -zeros);
    zeros = 0;
    put_zigzag(bytes, static_cast<std::int64_t>(count));
  }
  return bytes;
}

std::vector<std::uint64_t> decode_counts(Reader reader) {
  std::vector<std::uint64_t> counts;
  while (!reader.rest().empty()) {
    const std::int64_t number = reader.zigzag();
    const std::uint64_t room = LatencyHistogram::bucket_count - counts.size();
    // A single zero may be written as such. The least of all numbers has no opposite.
    const std::uint64_t taken = number < 0 ? 0 - static_cast<std::uint64_t>(number) : 1;
    if (taken > room) refuse("there are more counts than buckets");
    counts.resize(counts.size() + taken);
    if (number > 0) counts.back() = static_cast<std::uint64_t>(number);
  }
  return counts;
}

Bytes deflated(const Bytes& bytes) {
  uLongf size = ::compressBound(static_cast<uLong>(bytes.size()));
  Bytes result(size);
  // Nothing but memory can be missing: the size is the bound that zlib gives.
  if (::compress(result.data(), &size, bytes.data(), static_cast<uLong>(bytes.size())) != Z_OK) {
    throw std::bad_alloc();
  }
  result.resize(size);
  return result;
}

// Takes no more memory than the longest encoding, whatever the bytes would grow to.
Bytes inflated(std::span<const unsigned char> bytes) {
  Bytes result(longest_encoding);
  uLongf size = result.size();
  auto used = static_cast<uLong>(bytes.size());
  const int status = ::uncompress2(result.data(), &size, bytes.data(), &used);
  if (status == Z_MEM_ERROR) throw std::bad_alloc();
  if (status == Z_BUF_ERROR && size == result.size()) refuse("it is longer than any can be");
  if (status != Z_OK) refuse("its compressed part is damaged");
  if (used != bytes.size()) refuse("there is more after its compressed part");
  result.resize(size);
  return result;
}

// One line of the distribution: the largest value of a bucket, the percentile it has been looked up
// for as a share of one, and how many values there are up to it.
void print_row(std::string& text, std::int64_t value_ns, double share, std::uint64_t seen) {
  const auto row = std::back_inserter(text);
  fmt::format_to(row, "{:12.3f} {:.12f} {:10}", static_cast<double>(value_ns) / 1000, share, seen);
  if (share < 1) fmt::format_to(row, " {:14.2f}", 1 / (1 - share));
  text += '\n';
}

// The percentile that comes after `level`: five steps until the distance to 100 has halved, then
// smaller ones.
double next_level(double level) {
  constexpr double ticks_per_half_distance = 5;
  const double halvings = std::floor(std::log2(100 / (100 - level))) + 1;
  return level + 100 / (ticks_per_half_distance * std::exp2(halvings));
}

void print_rows(std::string& text, const LatencyHistogram& histogram) {
  double level = 0;
  std::uint64_t seen = 0;
  const auto total = static_cast<double>(histogram.count());
  for (std::size_t i = 0; seen < histogram.count(); ++i) {
    const std::uint64_t count = histogram.counts()[i];
    if (count == 0) continue;
    seen += count;
    const std::int64_t value = LatencyHistogram::bucket(i).highest_ns;
    while (level < 100 && 100 * static_cast<double>(seen) / total >= level) {
      print_row(text, value, level / 100, seen);
      const double next = next_level(level);
      level = next > level ? next : 100;  // so near to 100 that a double can't come nearer
      if (seen == histogram.count()) break;
    }
    if (seen == histogram.count()) print_row(text, value, 1, seen);
  }
}

}  // namespace

std::string to_hdr_v2(const LatencyHistogram& histogram) {
  const Bytes counts = encode_counts(histogram.counts());
  Bytes bytes;
  put(bytes, counts_cookie, 4);
  put(bytes, counts.size(), 4);
  put(bytes, 0, 4);  // the normalizing index offset, for histograms that have been shifted
  put(bytes, LatencyHistogram::significant_digits, 4);
  put(bytes, 1, 8);  // the lowest value that can be told from zero
  put(bytes, static_cast<std::uint64_t>(LatencyHistogram::largest_ns), 8);
  put(bytes, std::bit_cast<std::uint64_t>(1.0), 8);  // the ratio to values that aren't integers
  bytes.insert(bytes.end(), counts.begin(), counts.end());
  const Bytes compressed = deflated(bytes);
  Bytes wrapped;
  put(wrapped, compressed_cookie, 4);
  put(wrapped, compressed.size(), 4);
  wrapped.insert(wrapped.end(), compressed.begin(), compressed.end());
  return to_base64(wrapped);
}

LatencyHistogram from_hdr_v2(std::string_view text) {
  const Bytes wrapped = from_base64(text);
  Reader outer(wrapped);
  if (outer.number(4) != compressed_cookie) refuse("it begins otherwise");
  if (outer.number(4) != outer.rest().size()) refuse("it isn't as long as it says");
  const Bytes bytes = inflated(outer.rest());
  Reader inner(bytes);
  if (inner.number(4) != counts_cookie) refuse("its compressed part begins otherwise");
  const std::uint64_t counts_size = inner.number(4);
  const bool same_layout =
      inner.number(4) == 0 && inner.number(4) == LatencyHistogram::significant_digits &&
      inner.number(8) == 1 &&
      inner.number(8) == static_cast<std::uint64_t>(LatencyHistogram::largest_ns) &&
      inner.number(8) == std::bit_cast<std::uint64_t>(1.0);
  if (!same_layout) refuse("it has another range, precision or unit");
  if (counts_size != inner.rest().size()) refuse("its counts aren't as long as it says");
  return LatencyHistogram(decode_counts(inner));
}

std::string to_hgrm(const LatencyHistogram& histogram) {
  std::string text = "       Value     Percentile TotalCount 1/(1-Percentile)\n\n";
  print_rows(text, histogram);
  // From the buckets alone, so that it is the same after an exchange.
  const LatencyHistogram rounded(histogram.counts());
  const auto total = static_cast<double>(rounded.count());
  double sum = 0;
  double squares = 0;
  const auto each = [&](auto use) {
    for (std::size_t i = 0; i < rounded.counts().size(); ++i) {
      use(static_cast<double>(rounded.counts()[i]),
          static_cast<double>(LatencyHistogram::bucket(i).middle_ns()));
    }
  };
  each([&](double count, double value) { sum += count * value; });
  const double mean = total > 0 ? sum / total : 0;
  each([&](double count, double value) { squares += count * (value - mean) * (value - mean); });
  const double deviation = total > 0 ? std::sqrt(squares / total) : 0;
  constexpr int buckets = LatencyHistogram::largest_bits - LatencyHistogram::sub_bucket_bits + 1;
  fmt::format_to(std::back_inserter(text),
                 "#[Mean    = {:12.3f}, StdDeviation   = {:12.3f}]\n"
                 "#[Max     = {:12.3f}, Total count    = {:12}]\n"
                 "#[Buckets = {:12}, SubBuckets     = {:12}]\n",
                 mean / 1000, deviation / 1000, static_cast<double>(rounded.max().count()) / 1000,
                 rounded.count(), buckets, 1 << LatencyHistogram::sub_bucket_bits);
  return text;
}

}  // namespace echomux
