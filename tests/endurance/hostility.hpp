#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "harness/load/crowd.hpp"

namespace echomux {

// A way in which peers are hostile to a server. All of them are bounded, in number and in time.
struct HostileKind {
  std::string name;
  std::string what;                          // they do, as the end of a sentence
  PeerScript script;                         // of each
  std::size_t peers = 1;                     // at once
  bool replaced = false;                     // a peer that leaves is followed by another at once
  std::uint64_t most_started = without_end;  // in all, where they are replaced
  bool lasts_until_done = false;             // the load ends by itself, not after a time
  bool leaves_in_order = false;              // with all echoes back; else with resets
  bool holds_data = false;                   // the server may have to keep something for each
};

// The kinds in the order in which they are tried. `scale` divides the number of peers and of bytes,
// for tests.
[[nodiscard]] std::vector<HostileKind> hostile_kinds(std::size_t scale = 1);

// The most that a server's own memory (heap and stacks, not the kernel's) may grow by under a kind:
//
// - 4 MiB for what it needs in any case: the first buffers, the allocator's own;
// - for each peer 1 KiB, and where it has a thread 48 KiB: what a stack and the thread's own
//   storage have touched;
// - for each peer that may leave it with something to send, 68 KiB, a buffer of 64 KiB and the rest
//   of its last page; with a thread 160 KiB, which has another buffer to receive into;
// - where peers are replaced, the same as for a silent one for each of the 4096 that may wait in
// the
//   backlog: they can be taken from there all at once.
[[nodiscard]] std::uint64_t memory_bound(const HostileKind& kind, bool thread_per_connection);

// Hostile peers of one kind, from construction until stop(), in a thread of their own.
class Hostility {
 public:
  // With `gives_way` they leave the CPU to any other thread that wants it.
  Hostility(const HostileKind& kind, const Endpoint& server, bool gives_way);
  ~Hostility();
  Hostility(const Hostility&) = delete;
  Hostility& operator=(const Hostility&) = delete;

  // Waits until all are there, or at most for that long: a server may not take them all.
  void await_all(std::chrono::milliseconds limit) const;

  // True when a kind that ends by itself has, or when the client has failed.
  [[nodiscard]] bool done() const noexcept { return done_; }
  // How many are connected, by the kernel at least.
  [[nodiscard]] std::size_t connected() const noexcept { return connected_; }

  // Ends it, and says what became of them. Throws std::runtime_error when the client failed.
  PeerTally stop();

 private:
  void run(const std::stop_token& stop);
  void fill(Crowd& crowd);

  HostileKind kind_;
  Endpoint server_;
  bool gives_way_;
  std::uint64_t started_ = 0;
  std::atomic<bool> ready_ = false;
  std::atomic<bool> done_ = false;
  std::atomic<std::size_t> connected_ = 0;
  PeerTally tally_;
  std::string failure_;
  std::jthread thread_;
};

}  // namespace echomux
