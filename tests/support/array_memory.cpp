#include "tests/support/array_memory.hpp"

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

// Atomic, since other tests in the program have threads.
std::atomic<int> living = 0;
std::atomic<bool> no_memory = false;
// How many allocations of this thread are left until one fails, if not 0; and whether it has.
thread_local int until_failure = 0;
thread_local bool has_failed_once = false;

bool fails_now() noexcept {
  if (until_failure == 0 || --until_failure > 0) return false;
  has_failed_once = true;
  return true;
}

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

// As the library's own, but for what is to fail.
void* operator new(std::size_t bytes) {
  void* const memory = fails_now() ? nullptr : std::malloc(bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t /*bytes*/) noexcept {
  std::free(memory);
}

// Every form is replaced, so that nothing allocated by one kind can be freed by the other. Here in
// a file of their own, where the compiler can't inline one half of a pair and wonder about it.
void* operator new[](std::size_t bytes) {
  if (void* const memory = fails_now() ? nullptr : allocate(bytes)) return memory;
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

FailingAllocation::FailingAllocation(int n) noexcept {
  until_failure = n;
  has_failed_once = false;
}

FailingAllocation::~FailingAllocation() {
  until_failure = 0;
}

// NOLINTNEXTLINE(readability-convert-member-functions-to-static)
bool FailingAllocation::has_failed() const noexcept {
  return has_failed_once;
}

}  // namespace echomux
