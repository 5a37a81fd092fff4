#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace echomux {

// The system calls that faults are injected into, by the C library's names for them.
enum class FaultCall : std::uint8_t {
  recv,
  send,
  accept4,
  epoll_ctl,
  epoll_wait,
  poll,
  select,
  pthread_create,
  epoll_create1,
  eventfd,
};

// In the order of FaultCall.
inline constexpr std::array<std::string_view, 10> fault_call_names{
    "recv", "send",   "accept4",        "epoll_ctl",     "epoll_wait",
    "poll", "select", "pthread_create", "epoll_create1", "eventfd"};

inline constexpr std::size_t max_fault_rules = 32;

// Shared between the shim in the server and the test that started it, through a file that both map:
// so it can be read while the server runs, and whichever way the server has ended. The test
// creates the file, zeroed, and sets `on`; everything else the shim alone writes.
struct FaultPage {
  // Faults are injected only while this is not 0. Calls are counted all the time.
  std::atomic<std::uint32_t> on{0};
  std::array<std::atomic<std::uint64_t>, fault_call_names.size()> calls{};
  // By rule, in the order of the specification: how often it really was injected.
  std::array<std::atomic<std::uint64_t>, max_fault_rules> injected{};
};

static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

// The shim's environment variables: what to inject, and the file of the FaultPage. Without the
// latter, faults are on from the start.
//
// A specification is one or more rules, separated by ';':
//
//   CALL:FAULT:WHEN[,seed=N][,skip=N][,ready]
//
//   CALL   one of fault_call_names
//   FAULT  an error's name, such as EINTR; "short", which shortens the transfer to one byte; or
//          "room=BYTES", which gives an accepted socket a send buffer that small
//   WHEN   first=N (the first N calls), nth=N (that one alone), every=N, or random=P (0 to 1)
//   skip   leaves the first N calls out, which are not counted: a server's own, before any peer's
//   ready  counts only calls that find something to receive or accept, or room to send: busy
//          polling makes millions of others, and always in the same order, so that every n-th
//          would be the same peer's for ever
//
// Calls count from listen(2) on: what comes before is the program's and not the server's.
inline constexpr const char* fault_variable = "ECHOMUX_FAULT";
inline constexpr const char* fault_page_variable = "ECHOMUX_FAULT_PAGE";

}  // namespace echomux
