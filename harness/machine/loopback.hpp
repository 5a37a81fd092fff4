#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

// What limits the connections of the loopback network beside descriptors and memory.
namespace echomux {

// Whether this network namespace takes connections from all of 127.0.0.0/8, and not from 127.0.0.1
// alone: asked by binding a socket to 127.0.0.2.
[[nodiscard]] bool has_whole_loopback();

// How many ports the system gives to the clients of one address (net.ipv4.ip_local_port_range);
// none where it doesn't tell.
[[nodiscard]] std::optional<std::uint64_t> client_ports(const std::filesystem::path& root = "/");

// The ports that the system gives to clients by itself, and to who asks for port 0: the first and
// the last. None where it doesn't tell.
struct PortRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};
[[nodiscard]] std::optional<PortRange> ports_given_away(const std::filesystem::path& root = "/");

// The connections that netfilter remembers in this network namespace: a packet of a further one is
// dropped.
struct ConnectionTracking {
  std::uint64_t most = 0;
  std::uint64_t taken = 0;

  // Within 1 % of the most, since the number changes all the time.
  [[nodiscard]] bool full() const noexcept { return taken + most / 100 >= most; }
};

// None where nothing is tracked, or the system doesn't tell.
[[nodiscard]] std::optional<ConnectionTracking> connection_tracking(
    const std::filesystem::path& root = "/");

}  // namespace echomux
