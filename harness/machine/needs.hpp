#pragma once

#include <cstdint>

// What a measurement needs of a machine: the load keeps to it, and the doctor judges by it.
namespace echomux {

// Descriptors of a server or the client beside its connections: the standard streams, a listener,
// an epoll instance, a few for signals and the pipe between them.
inline constexpr std::uint64_t spare_descriptors = 24;

// Memory of both ends of a connection on the loopback network, measured at 19,000 idle ones on
// Linux 6.18 on x86-64 as 7.5 KiB, and as 74.4 KiB with the thread that serves it.
inline constexpr std::uint64_t connection_bytes = 8192;
inline constexpr std::uint64_t threaded_connection_bytes = 81'920;

// Connections from one source address. Linux looks for a free port among those of one parity first;
// near the last of them (14,000 by default) it searches nearly all in vain for every connection.
inline constexpr std::uint64_t connections_per_source = 10'000;

// Connections that may wait for their confirmation at a time, over all threads: enough to keep the
// server busy, too few to overflow the backlog of a server with the usual SOMAXCONN.
inline constexpr std::uint64_t opened_at_once = 256;

}  // namespace echomux
