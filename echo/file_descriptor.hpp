#pragma once

#include <unistd.h>

#include <utility>

namespace echomux {

// Owns one open file descriptor and closes it exactly once. Moving hands it over; an empty one
// holds -1. Not for sharing between threads. See close(2).
class FileDescriptor {
 public:
  FileDescriptor() noexcept = default;
  explicit FileDescriptor(int fd) noexcept : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    reset(other.release());
    return *this;
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() { reset(); }

  // The number the kernel knows it by, or -1 when empty.
  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }

  // Gives the descriptor up without closing it.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

  // Closes what is held, if anything, and holds `fd` from then on.
  void reset(int fd = -1) noexcept {
    const int old = std::exchange(fd_, fd);
    // Linux frees the number even when close() reports EINTR, so it is never tried again: by then
    // another thread may have been given the same number.
    if (old >= 0) ::close(old);
  }

 private:
  int fd_ = -1;
};

}  // namespace echomux
