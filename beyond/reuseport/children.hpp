#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <vector>

#include "echo/file_descriptor.hpp"

namespace echomux {

// Processes that the calling thread has forked (fork(2)), and that end with it. The destructor ends
// those that are left, with SIGKILL.
class Children {
 public:
  // `stop` becomes readable when all are to end, and they see that themselves. `buried` is called
  // with the number of each that has ended before that, from 0 in the order of their start.
  Children(int stop, std::function<void(std::size_t)> buried)
      : stop_(stop), buried_(std::move(buried)) {}
  ~Children();
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;

  // Lets a further one do this, and then end: with status 1, and a line on stderr, where it throws.
  // It has all that its parent has at this moment. SIGTERM ends it alone. Throws std::system_error.
  void start(const std::function<void()>& work);

  // Returns when a stop is requested and they have ended, or have had their time for it. Throws
  // std::runtime_error when all have ended before that.
  void watch();

 private:
  struct Child {
    pid_t pid;
    std::size_t number;
    FileDescriptor lives;  // the end of a pipe whose other end it has: that closes with it
  };

  [[noreturn]] static void run(const std::function<void()>& work, pid_t parent);
  // One that SIGTERM has ended while no stop was known.
  struct Unexplained {
    pid_t pid;
    std::chrono::steady_clock::time_point known_by;
  };

  [[nodiscard]] bool told_to_stop() const;
  void bury(std::size_t which);
  [[nodiscard]] int time_to_explain_ms() const;
  void explain();
  void tell_of(pid_t pid, const char* how, int number) const;

  int stop_;
  std::function<void(std::size_t)> buried_;
  std::vector<Child> children_;
  std::vector<Unexplained> unexplained_;
  std::size_t started_ = 0;
};

}  // namespace echomux
