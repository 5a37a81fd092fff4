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

}  // namespace echomux
