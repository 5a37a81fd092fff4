#pragma once

namespace echomux {

// How many arrays made with new[] exist in this program now: a session keeps what it could not send
// in one. Linking array_memory.cpp replaces the library's allocation functions for arrays.
[[nodiscard]] int living_arrays() noexcept;

// While one of these lives, there is no memory for any array.
class NoMemoryForArrays {
 public:
  NoMemoryForArrays() noexcept;
  ~NoMemoryForArrays();
  NoMemoryForArrays(const NoMemoryForArrays&) = delete;
  NoMemoryForArrays& operator=(const NoMemoryForArrays&) = delete;
};

// While one of these lives, one allocation with new of the thread that made it fails: the n-th from
// then on, or none if `n` is 0.
class FailingAllocation {
 public:
  explicit FailingAllocation(int n) noexcept;
  ~FailingAllocation();
  FailingAllocation(const FailingAllocation&) = delete;
  FailingAllocation& operator=(const FailingAllocation&) = delete;

  [[nodiscard]] bool has_failed() const noexcept;
};

}  // namespace echomux
