#pragma once

#include <sys/select.h>

#include <cstddef>
#include <limits>
#include <vector>

namespace echomux {

// A set of descriptors as select(2) takes it: one bit per descriptor, number 0 first. This is
// fd_set with its size made a variable, since the kernel reads as many bits as its first argument
// says. The C library's FD_SET on a descriptor at or beyond FD_SETSIZE writes outside the set,
// which is undefined behaviour; this one grows instead, and may throw std::bad_alloc then.
class DescriptorSet {
 public:
  void add(int fd) {
    if (word_of(fd) >= words_.size()) words_.resize(word_of(fd) + 1);
    words_[word_of(fd)] |= bit_of(fd);
  }
  void remove(int fd) noexcept {
    if (word_of(fd) < words_.size()) words_[word_of(fd)] &= ~bit_of(fd);
  }
  [[nodiscard]] bool contains(int fd) const noexcept {
    return word_of(fd) < words_.size() && (words_[word_of(fd)] & bit_of(fd)) != 0;
  }
  // Makes room for descriptors 0 to `count` - 1, so that the kernel may read and write them all.
  void make_room_for(int count) {
    if (count > 0 && word_of(count - 1) >= words_.size()) words_.resize(word_of(count - 1) + 1);
  }
  // For select's arguments: at least as many bits as there was room made for.
  [[nodiscard]] fd_set* raw() noexcept { return reinterpret_cast<fd_set*>(words_.data()); }

 private:
  // The kernel's own unit: long, as in fd_set.
  using Word = unsigned long;
  static constexpr std::size_t word_bits = std::numeric_limits<Word>::digits;

  static std::size_t word_of(int fd) noexcept { return static_cast<std::size_t>(fd) / word_bits; }
  static Word bit_of(int fd) noexcept {
    return Word{1} << (static_cast<std::size_t>(fd) % word_bits);
  }

  std::vector<Word> words_;
};

}  // namespace echomux
