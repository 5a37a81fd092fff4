#pragma once

#include <cerrno>
#include <string>
#include <system_error>

namespace echomux {

// What this errno means, in words.
[[nodiscard]] inline std::string error_text(int error) {
  return std::generic_category().message(error);
}

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
