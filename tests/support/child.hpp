#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <functional>

#include "echo/file_descriptor.hpp"
#include "tests/support/sanitizers.hpp"

namespace echomux {

// How many threads a process has that starts none: the thread sanitizer adds one of its own.
inline constexpr std::size_t threads_from_the_start = under_thread_sanitizer ? 2 : 1;

// A forked child of the test, to be measured. It and the test speak through two pipes, so that each
// knows how far the other is. The destructor kills the child and waits for it; it also dies with
// the thread that made it.
class Child {
 public:
  // The child's side of it.
  class Line {
   public:
    Line(int in, int out) : in_(in), out_(out) {}
    void tell() const;                                // lets Child::await() return
    void tell(std::chrono::nanoseconds value) const;  // the same, with a value
    void await() const;  // until Child::go_on(); ends the process if none comes

   private:
    int in_;
    int out_;
  };

  // Runs `body` in the child, which then exits with status 0.
  explicit Child(const std::function<void(const Line&)>& body);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }

  // Waits for the child to tell, and returns the value that it told. Throws std::runtime_error
  // when it hasn't after `patience`.
  std::chrono::nanoseconds await() const;  // NOLINT(modernize-use-nodiscard)
  void go_on() const;

  // Waits for its end, without taking its exit status: it stays a zombie. Throws
  // std::runtime_error when it has not ended after `patience`.
  void await_end() const;
  // Takes the exit status. For after await_end().
  void reap();

 private:
  pid_t pid_ = -1;
  FileDescriptor to_child_;
  FileDescriptor from_child_;
};

// fork(2) for use in such a child: the new process dies when the one that called this does.
[[nodiscard]] pid_t fork_bound();

// The CPU time that this process has used (CLOCK_PROCESS_CPUTIME_ID).
[[nodiscard]] std::chrono::nanoseconds process_cpu_time();

// Computes until this process has used that much more CPU time.
void burn_cpu(std::chrono::nanoseconds amount);

}  // namespace echomux
