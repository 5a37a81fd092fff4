#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <thread>

#include "echo/file_descriptor.hpp"

namespace echomux {

// A place for what a server says of itself on stderr, which may be a line for each message. It is a
// file in memory, so that writing there costs a server the least there is and never waits for a
// reader. A thread cuts it down from time to time: memory stays bounded.
class BoundedLog {
 public:
  // Throws std::system_error when there is no such file to be had.
  BoundedLog();

  // To be a server's stderr.
  [[nodiscard]] int fd() const noexcept { return file_.get(); }

  // The last lines of it, of at most so many bytes in all, without the end of the last one. Bytes
  // that no terminal shows are left out.
  [[nodiscard]] std::string last_words(std::size_t most_lines = 3,
                                       std::size_t most_bytes = 300) const;

 private:
  void cut();

  FileDescriptor file_;
  off_t cut_ = 0;  // what is before this is gone
  std::jthread cutter_;
};

}  // namespace echomux
