#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "harness/bench/idle_holder.hpp"

namespace echomux {

// What of this machine limits the number of connections, and how many fit.
struct Bound {
  std::string what;
  std::uint64_t most;
};

// Of so many server processes, and as many clients, that may have so many descriptors each.
[[nodiscard]] std::vector<Bound> bounds(std::size_t processes, std::uint64_t descriptors);

// CPU time that all programs of this machine have used, and the kernel's own work.
[[nodiscard]] double busy_seconds();

// TCP sockets of this network namespace, by /proc/net/sockstat; 0 where it doesn't tell.
[[nodiscard]] std::uint64_t sockets_in_use();

// User memory of these processes together.
[[nodiscard]] std::uint64_t resident_bytes(const std::vector<std::unique_ptr<IdleHolder>>& holders);

}  // namespace echomux
