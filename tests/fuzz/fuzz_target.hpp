#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace echomux::fuzz {

// Thrown when a target finds that something is wrong: not caught by anybody under a fuzzer, which
// then keeps the input.
class Finding : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

inline void require(bool condition, const std::string& what) {
  if (!condition) throw Finding(what);
}

using Input = std::span<const std::uint8_t>;

inline std::string_view as_text(Input input) {
  return {reinterpret_cast<const char*>(input.data()), input.size()};
}

// Takes an input apart from its front. With nothing left it gives zeros, so that the end of an
// input needs no special treatment.
class Choices {
 public:
  explicit Choices(Input input) : rest_(input) {}

  [[nodiscard]] bool done() const noexcept { return rest_.empty(); }

  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const std::uint8_t first = rest_.front();
    rest_ = rest_.subspan(1);
    return first;
  }
  std::size_t two_bytes() {
    const std::size_t high = byte();
    return high << 8U | byte();
  }
  // That many bytes, or what is left.
  std::string_view text(std::size_t size) {
    const Input taken = rest_.first(size < rest_.size() ? size : rest_.size());
    rest_ = rest_.subspan(taken.size());
    return as_text(taken);
  }

 private:
  Input rest_;
};

// The echo of one peer over a socket pair: what comes back is a prefix of what was sent, whatever
// the peer does and however little room there is, and all of it after a half-close.
void fuzz_session(Input input);

// What options take for a value, commands, and HOST:PORT. What is accepted is within its bounds and
// means the same when it is written again.
void fuzz_arguments(Input input);

// Results files, as they are or made from a good one by putting other values in; and everything
// that is made of those that are accepted.
void fuzz_results(Input input);

// HdrHistogram's V2 encoding, as it is or with its wrapping done properly.
void fuzz_histogram(Input input);

struct Target {
  std::string_view name;  // of the directory in corpus/, too
  void (*run)(Input input);
};
inline constexpr Target targets[]{{"session", &fuzz_session},
                                  {"arguments", &fuzz_arguments},
                                  {"results", &fuzz_results},
                                  {"histogram", &fuzz_histogram}};

}  // namespace echomux::fuzz
