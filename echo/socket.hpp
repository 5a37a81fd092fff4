#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "echo/file_descriptor.hpp"

namespace echomux {

// An IPv4 or IPv6 address with a port, in the form the socket calls take.
struct Endpoint {
  sockaddr_storage address{};
  socklen_t length = 0;

  [[nodiscard]] const sockaddr* raw() const noexcept {
    return reinterpret_cast<const sockaddr*>(&address);
  }
  [[nodiscard]] int family() const noexcept { return address.ss_family; }
  [[nodiscard]] std::uint16_t port() const noexcept;
  // True for 127.0.0.0/8, ::1 and the IPv4 loopback addresses mapped into IPv6.
  [[nodiscard]] bool is_loopback() const noexcept;
  // "127.0.0.1:7777", "[::1]:7777" or "[fe80::1%eth0]:7777".
  [[nodiscard]] std::string to_string() const;
  // The same address and port. Of addresses of one link alone, the link isn't looked at.
  friend bool operator==(const Endpoint& one, const Endpoint& other) noexcept;
};

// Resolves a numeric address or a name to all its addresses, the preferred one first
// (getaddrinfo(3)); never empty. Throws std::invalid_argument with a sentence for the user.
[[nodiscard]] std::vector<Endpoint> resolve_all(const std::string& host, std::uint16_t port);

// The first of them.
[[nodiscard]] Endpoint resolve(const std::string& host, std::uint16_t port);

struct HostAndPort {
  std::string host;  // an address or a name; an IPv6 address without its brackets
  std::uint16_t port = 0;
};

// Reads "HOST:PORT" without asking who HOST is; an IPv6 host stands in brackets: "[::1]:7777". What
// is around that in a URL, as in "tcp://localhost:7777/", is left aside.
// Throws std::invalid_argument with a sentence for the user.
[[nodiscard]] HostAndPort split_host_and_port(std::string_view host_and_port);

// The same, and resolves it. Throws std::invalid_argument with a sentence for the user.
[[nodiscard]] std::vector<Endpoint> parse_endpoints(std::string_view host_and_port);

// The first of them.
[[nodiscard]] Endpoint parse_endpoint(std::string_view host_and_port);

// How a listener has its port. Among several that share one, the kernel chooses by a hash of each
// newcomer's address (SO_REUSEPORT, socket(7)).
enum class PortUse : std::uint8_t {
  alone,   // nobody else may listen there
  opens,   // nobody else did so far; from now on others of this user may
  shares,  // with one that has opened it
};

// A listening TCP socket (close-on-exec, blocking) with the largest backlog the system allows.
// The peers it will accept inherit TCP_NODELAY and SO_OOBINLINE from it. Port 0 is the kernel's
// choice: local_endpoint() tells which. Throws std::system_error naming the call that failed.
[[nodiscard]] FileDescriptor listen_on(const Endpoint& endpoint, PortUse use = PortUse::alone);

// The address a socket is bound to (getsockname(2)). Throws std::system_error.
[[nodiscard]] Endpoint local_endpoint(int socket);

// Lets a recv or send on a blocking socket that has moved nothing for this time fail with EAGAIN
// (SO_RCVTIMEO and SO_SNDTIMEO, socket(7)); rounded up to microseconds, and 0 is for ever.
void set_time_limit(int socket, std::chrono::nanoseconds limit) noexcept;

// Sets O_NONBLOCK (fcntl(2)). Throws std::system_error.
void set_nonblocking(int fd);

}  // namespace echomux
