#pragma once

#include <functional>
#include <stop_token>

#include "echo/file_descriptor.hpp"

namespace echomux {

// A stop request as a descriptor that a wait call can watch: it becomes readable when the token is
// asked to stop (at once, if it already was) and stays so. A std::stop_token alone can't interrupt
// a system call. Throws std::system_error when there is no descriptor to be had. See eventfd(2).
class StopEvent {
 public:
  explicit StopEvent(std::stop_token token);

  [[nodiscard]] int fd() const noexcept { return event_.get(); }

 private:
  FileDescriptor event_;
  // Declared after the descriptor, so that the callback is gone before its number can be reused.
  std::stop_callback<std::function<void()>> on_stop_;
};

}  // namespace echomux
