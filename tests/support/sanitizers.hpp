#pragma once

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <fstream>

namespace echomux {

// What the tests are built with, for the few numbers that depend on it. GCC announces sanitizers
// with macros of its own, Clang through __has_feature.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ECHOMUX_ADDRESS_SANITIZER 1
#endif
#if __has_feature(thread_sanitizer)
#define ECHOMUX_THREAD_SANITIZER 1
#endif
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(ECHOMUX_ADDRESS_SANITIZER)
inline constexpr bool under_address_sanitizer = true;
#else
inline constexpr bool under_address_sanitizer = false;
#endif

#if defined(__SANITIZE_THREAD__) || defined(ECHOMUX_THREAD_SANITIZER)
inline constexpr bool under_thread_sanitizer = true;
#else
inline constexpr bool under_thread_sanitizer = false;
#endif

inline constexpr bool under_sanitizer = under_address_sanitizer || under_thread_sanitizer;

// The words of a command in this variable, such as valgrind's, stand before the program of each
// server that the conformance suite starts ("./run valgrind").
inline const char* const server_wrapper = std::getenv("ECHOMUX_TEST_WRAPPER");
inline const bool slowed_down = under_sanitizer || server_wrapper != nullptr;

// How long a test waits for something that normally happens at once. It is generous, because it is
// used up only when a test fails, and a busy machine is no reason to fail.
// NOLINTNEXTLINE(cert-err58-cpp): whole numbers throw nothing
inline const std::chrono::milliseconds patience = [] {
  // Milliseconds, for who knows beforehand that the wait is in vain.
  const char* const asked_for = std::getenv("ECHOMUX_TEST_PATIENCE");
  const long ms = asked_for == nullptr ? 0 : std::strtol(asked_for, nullptr, 10);
  return std::chrono::milliseconds(ms > 0 ? ms : 60'000);
}();

// Two promises of the servers: to stop within a second, and to notice within a second that
// descriptors are to be had again. What looks on slows everything down, its report at exit
// included. Where more threads want to run than there are CPUs, each gets a part of that second.
// NOLINTNEXTLINE(cert-err58-cpp)
inline const std::chrono::milliseconds promptly = [] {
  constexpr double most = 10;
  double load = 0;
  double ignored = 0;
  double running = 0;
  // The average of the last minute, and those that want to run at this moment (proc_loadavg(5)).
  std::ifstream("/proc/loadavg") >> load >> ignored >> ignored >> running;
  const double each =
      std::max(load, running) / static_cast<double>(::sysconf(_SC_NPROCESSORS_ONLN));
  const double times = slowed_down ? most : std::clamp(each, 1.0, most);
  return std::chrono::milliseconds(std::lround(1000 * times));
}();

}  // namespace echomux
