#pragma once

#include <stdexcept>
#include <string>

namespace echomux {

// What an exception of this type says that the function throws; empty when it throws nothing.
template <typename Error = std::runtime_error>
[[nodiscard]] std::string complaint(auto function) {
  try {
    static_cast<void>(function());
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace echomux
