#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <stop_token>
#include <string_view>

#include "echo/file_descriptor.hpp"
#include "echo/server_stats.hpp"

namespace echomux {

// What a user may choose about a server.
struct ServerOptions {
  // select only: watch descriptors at and beyond FD_SETSIZE too, with a bitmap larger than fd_set.
  bool select_beyond_fd_setsize = false;
  // A peer from whom nothing came and to whom nothing could be sent for this time is closed; 0 lets
  // it stay. It may take a quarter longer, and never less.
  std::chrono::nanoseconds idle_timeout{0};
  // With that many open, a newcomer is accepted and closed at once. A server that serves one peer
  // at a time leaves it in the backlog instead.
  std::uint64_t max_connections = std::numeric_limits<std::uint64_t>::max();
  // Threads that serve peers, where a server has a fixed number of them; 0: one for each CPU that
  // this process may use.
  std::size_t workers = 0;
  static constexpr std::size_t most_workers = 256;
  // The same as processes, where a server can be told so; 0: threads.
  std::size_t processes = 0;
  // Called by a server that shares its port, once all of its listeners listen.
  std::function<void()> on_listening = [] {};
};

// One way of serving many peers, as every caller sees it.
struct Backend {
  std::string_view name;
  std::string_view summary;
  std::string_view limit = {};  // what bounds the number of connections, in words

  // Serves on `listener` until a stop is requested, then closes every descriptor it owns and
  // returns. Blocks meanwhile. Throws std::system_error only for failures of set-up or of the wait
  // call itself; whatever a peer does is counted in `stats` and never ends the server.
  // nullptr: it is a program that somebody else may run (peers/), and takes no ServerOptions.
  void (*serve)(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                ServerStats& stats) = nullptr;

  // The most connections it can serve at a time; none where only the system's limits count.
  std::optional<std::size_t> max_connections = {};
  // True when it uses its whole CPU even while nobody sends.
  bool never_sleeps = false;
  bool thread_per_connection = false;
  // True when it watches only descriptors below FD_SETSIZE, unless it is told otherwise.
  bool bound_by_fd_setsize = false;
  // True when ServerOptions::workers says how many threads serve.
  bool has_workers = false;
  // True when it has a listener for each worker. The one that it is given must have its port as
  // PortUse::opens, and it has processes, too.
  bool shares_port = false;
  // False when it doesn't tell what it counts.
  bool reports_counters = true;
  // Why an urgent byte isn't echoed in its place as any other; empty where it is.
  std::string_view no_urgent_data = {};
  // The most that it keeps for a peer that doesn't read.
  std::size_t stalled_peer_bytes = std::size_t{64} * 1024;
};

}  // namespace echomux
