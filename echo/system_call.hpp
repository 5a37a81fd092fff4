#pragma once

#include <cerrno>
#include <system_error>

namespace echomux {

// Throws std::system_error for the current errno, with the name of the call that set it.
[[noreturn]] inline void throw_errno(const char* call) {
  throw std::system_error(errno, std::generic_category(), call);
}

// Passes a system call's result through, and throws std::system_error naming `call` when it is
// negative. For set-up code: a failure of one peer is handled where it happens instead.
template <typename Result>
Result check(Result result, const char* call) {
  if (result < 0) throw_errno(call);
  return result;
}

}  // namespace echomux
