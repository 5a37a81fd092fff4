#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "echo/socket.hpp"

namespace echomux {

// A TCP socket of this network namespace that listens, as the kernel tells it (sock_diag(7)).
struct Listener {
  Endpoint bound;             // 0.0.0.0 or [::] where it takes connections to any address
  bool takes_ipv4 = false;    // of IPv6, but IPv4 connections reach it as well
  std::uint64_t inode = 0;    // of the socket: what "socket:[…]" in /proc/PID/fd names
  std::uint32_t waiting = 0;  // connections that it has not accepted yet
  std::uint32_t backlog = 0;  // so many may wait, and one more (listen(2))

  // No further connection gets in until it accepts one.
  [[nodiscard]] bool full() const noexcept { return waiting > backlog; }
  // Where to connect to: an address of this machine.
  [[nodiscard]] Endpoint reached_at() const;
};

// True for the loopback network, for 0.0.0.0 and [::], and for what the interfaces of this network
// namespace have (getifaddrs(3)).
[[nodiscard]] bool is_of_this_machine(const Endpoint& address);

// The loopback address for 0.0.0.0 and [::], which a client may mean by them; else the same.
[[nodiscard]] Endpoint reached_from_here(const Endpoint& address);

// All, or those on a port. None where the kernel doesn't tell. To ask connects to nobody, so that
// a server that serves one peer alone isn't used up by it.
[[nodiscard]] std::optional<std::vector<Listener>> listeners(std::uint16_t port = 0);

// The one of this machine that a connection to this address comes to; none when there is none, or
// the kernel doesn't tell.
[[nodiscard]] std::optional<Listener> listener_at(const Endpoint& address);

// The inodes of the sockets that processes have open.
struct Sockets {
  std::set<std::uint64_t> inodes;
  bool complete = true;  // false: the descriptors of some of them may not be looked at
};
[[nodiscard]] Sockets sockets_of(const std::vector<pid_t>& processes);

}  // namespace echomux
