#include "tests/support/array_memory.hpp"

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

// Atomic, since other tests in the program have threads.
std::atomic<int> living = 0;
std::atomic<bool> no_memory = false;

void* allocate(std::size_t bytes) noexcept {
  if (no_memory) return nullptr;
  void* const memory = std::malloc(bytes);
  if (memory != nullptr) ++living;
  return memory;
}

void release(void* memory) noexcept {
  if (memory != nullptr) --living;
  std::free(memory);
}

}  // namespace

// Every form is replaced, so that nothing allocated by one kind can be freed by the other. Here in
// a file of their own, where the compiler can't inline one half of a pair and wonder about it.
void* operator new[](std::size_t bytes) {
  if (void* const memory = allocate(bytes)) return memory;
  throw std::bad_alloc();
}
void* operator new[](std::size_t bytes, const std::nothrow_t& /*tag*/) noexcept {
  return allocate(bytes);
}
void operator delete[](void* memory) noexcept {
  release(memory);
}
void operator delete[](void* memory, std::size_t /*bytes*/) noexcept {
  release(memory);
}
void operator delete[](void* memory, const std::nothrow_t& /*tag*/) noexcept {
  release(memory);
}

namespace echomux {

int living_arrays() noexcept {
  return living;
}

NoMemoryForArrays::NoMemoryForArrays() noexcept {
  no_memory = true;
}

NoMemoryForArrays::~NoMemoryForArrays() {
  no_memory = false;
}

}  // namespace echomux
