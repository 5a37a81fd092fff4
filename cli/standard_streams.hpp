#pragma once

#include <memory>

namespace echomux {

// The standard streams as a program should have them, however it was started. A closed one becomes
// a stream that can't be read or written, so that no socket or file gets its number. What is
// written to a non-blocking stdout or stderr is written whole. To be made once, before the program
// opens anything.
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
