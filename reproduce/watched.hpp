#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <string_view>
#include <vector>

#include "echo/file_descriptor.hpp"

// What the micro-benchmarks watch: pairs of connected descriptors of one process, of which some are
// made ready by writing a byte into their other end.
namespace echomux::micro {

enum class Kind : std::uint8_t { pipe, socket_pair, tcp };
inline constexpr std::array all_kinds{Kind::pipe, Kind::socket_pair, Kind::tcp};
[[nodiscard]] std::string_view to_string(Kind kind) noexcept;

// The largest number of pairs that this process's limit of open descriptors allows, at most 10,000.
[[nodiscard]] std::int64_t most_pairs();

// `count` pairs of one kind. Throws std::system_error.
class Watched {
 public:
  Watched(Kind kind, std::int64_t count);

  [[nodiscard]] std::size_t size() const noexcept { return readers_.size(); }
  // The ends to be watched for input.
  [[nodiscard]] const std::vector<FileDescriptor>& readers() const noexcept { return readers_; }
  // The other ends, in the same order: a byte written into one makes its reader ready.
  [[nodiscard]] const std::vector<FileDescriptor>& writers() const noexcept { return writers_; }
  // One above the largest number among them, as select(2) takes it.
  [[nodiscard]] int end() const noexcept { return end_; }

  // Makes `count` different ones, chosen at random, ready to be read.
  void make_ready(std::int64_t count);
  // Reads their bytes, so that none is ready again.
  void drain();

 private:
  std::vector<FileDescriptor> readers_;
  std::vector<FileDescriptor> writers_;
  std::vector<std::size_t> order_;  // a permutation; its first ready_ are ready
  std::size_t ready_ = 0;
  int end_ = 0;
  std::mt19937 random_{1};
};

}  // namespace echomux::micro
