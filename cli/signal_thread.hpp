#pragma once

#include <sys/signalfd.h>

#include <functional>
#include <initializer_list>
#include <stop_token>
#include <thread>

#include "echo/file_descriptor.hpp"
#include "echo/stop_event.hpp"

namespace echomux {

// Takes signals in a thread of its own, so that what they ask for is ordinary code and not a signal
// handler, and no other thread's system calls are interrupted. Construct it in main, before any
// other thread: it blocks the signals in the calling thread, and later threads inherit that.
// The destructor ends the thread; the signals stay blocked. See signalfd(2).
class SignalThread {
 public:
  // Calls `on_signal` with each signal, one at a time, from its own thread. Opens all the
  // descriptors it will need. Throws std::system_error.
  SignalThread(std::initializer_list<int> signals,
               std::function<void(const signalfd_siginfo&)> on_signal);
  ~SignalThread();
  SignalThread(const SignalThread&) = delete;
  SignalThread& operator=(const SignalThread&) = delete;

 private:
  void run();

  FileDescriptor signal_fd_;
  std::function<void(const signalfd_siginfo&)> on_signal_;
  std::stop_source stop_;
  StopEvent stop_event_{stop_.get_token()};
  std::thread thread_;
};

// For a command that measures and then writes: SIGINT and SIGTERM ask it to stop, and a pipe that
// nobody reads or a file that may not grow is a write that fails, and is told as one. Construct it
// as SignalThread.
class Interruption {
 public:
  Interruption();
  [[nodiscard]] bool requested() const noexcept { return stop_.stop_requested(); }
  [[nodiscard]] std::stop_token token() const noexcept { return stop_.get_token(); }

 private:
  std::stop_source stop_;
  SignalThread signals_;
};

}  // namespace echomux
