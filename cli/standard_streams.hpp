#pragma once

#include <memory>

namespace echomux {

// The standard streams as a program should have them, however it was started. Closed ones become
// streams that can't be read or written: no socket or file gets their numbers. stdout and stderr
// are written to their ends even if whoever holds their other ends has made them non-blocking. To
// be made first of all, before the program opens anything, and once.
class StandardStreams {
 public:
  StandardStreams();
  ~StandardStreams();
  StandardStreams(const StandardStreams&) = delete;
  StandardStreams& operator=(const StandardStreams&) = delete;

  // Writes out what was printed to stdout. Zero when all of it was written since the start; else
  // the errno that says why it wasn't.
  [[nodiscard]] int finish();

 private:
  class Buffers;
  std::unique_ptr<Buffers> buffers_;
};

}  // namespace echomux
