#include "echo/socket.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/tcp.h>

#include <array>
#include <charconv>
#include <cstring>
#include <limits>
#include <memory>
#include <stdexcept>

#include "echo/system_call.hpp"

namespace echomux {
namespace {

const sockaddr_in& as_ipv4(const Endpoint& endpoint) {
  return reinterpret_cast<const sockaddr_in&>(endpoint.address);
}

const sockaddr_in6& as_ipv6(const Endpoint& endpoint) {
  return reinterpret_cast<const sockaddr_in6&>(endpoint.address);
}

void set_option(int socket, int level, int option, int value, const char* name) {
  check(::setsockopt(socket, level, option, &value, sizeof value), name);
}

// lesson: share-port
// Sockets of one user may share a port if all of them say this. One that says it only when it
// listens has the port alone until then, so it can't join another program's group by mistake.
void share_port(int socket) {
  set_option(socket, SOL_SOCKET, SO_REUSEPORT, 1, "setsockopt SO_REUSEPORT");
}
// end lesson

}  // namespace

std::uint16_t Endpoint::port() const noexcept {
  return ntohs(family() == AF_INET6 ? as_ipv6(*this).sin6_port : as_ipv4(*this).sin_port);
}

bool Endpoint::is_loopback() const noexcept {
  constexpr std::uint8_t loopback_net = 127;
  if (family() != AF_INET6) return ntohl(as_ipv4(*this).sin_addr.s_addr) >> 24 == loopback_net;
  const in6_addr& address6 = as_ipv6(*this).sin6_addr;
  return IN6_IS_ADDR_LOOPBACK(&address6) ||
         (IN6_IS_ADDR_V4MAPPED(&address6) && address6.s6_addr[12] == loopback_net);
}

bool operator==(const Endpoint& one, const Endpoint& other) noexcept {
  if (one.family() != other.family() || one.port() != other.port()) return false;
  if (one.family() == AF_INET) {
    return as_ipv4(one).sin_addr.s_addr == as_ipv4(other).sin_addr.s_addr;
  }
  return std::memcmp(&as_ipv6(one).sin6_addr, &as_ipv6(other).sin6_addr, sizeof(in6_addr)) == 0;
}

std::string Endpoint::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool v6 = family() == AF_INET6;
  const void* binary = v6 ? static_cast<const void*>(&as_ipv6(*this).sin6_addr)
                          : static_cast<const void*>(&as_ipv4(*this).sin_addr);
  if (::inet_ntop(family(), binary, text.data(), text.size()) == nullptr) return "(no address)";
  std::string host = text.data();
  // An address of one link alone needs to say of which (ipv6(7)).
  std::array<char, IF_NAMESIZE> zone{};
  if (v6 && as_ipv6(*this).sin6_scope_id != 0 &&
      ::if_indextoname(as_ipv6(*this).sin6_scope_id, zone.data()) != nullptr) {
    host += "%" + std::string(zone.data());
  }
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port());
}

std::vector<Endpoint> resolve_all(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (error != 0) {
    throw std::invalid_argument("cannot resolve the host '" + host + "': " + ::gai_strerror(error) +
                                "; try 127.0.0.1, ::1 or localhost");
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  std::vector<Endpoint> endpoints;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    Endpoint& endpoint = endpoints.emplace_back();
    endpoint.length = entry->ai_addrlen;
    std::memcpy(&endpoint.address, entry->ai_addr, entry->ai_addrlen);
  }
  return endpoints;
}

Endpoint resolve(const std::string& host, std::uint16_t port) {
  return resolve_all(host, port).front();
}

Endpoint parse_endpoint(std::string_view host_and_port) {
  return parse_endpoints(host_and_port).front();
}

HostAndPort split_host_and_port(std::string_view host_and_port) {
  const auto complain = [&](const char* what) {
    throw std::invalid_argument("'" + std::string(host_and_port) + "' " + what +
                                "; write HOST:PORT, such as 127.0.0.1:7777 or [::1]:7777");
  };
  const std::size_t scheme = host_and_port.find("://");
  std::string_view rest = host_and_port.substr(scheme == std::string_view::npos ? 0 : scheme + 3);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.find('/') != std::string_view::npos) complain("has a path, which no echo server takes");
  const std::size_t colon = rest.rfind(':');
  if (colon == std::string_view::npos || rest.ends_with(']')) complain("has no port");
  std::string_view host = rest.substr(0, colon);
  const std::string_view digits = rest.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    // What has letters beyond f in it, or a dot before the last colon but one, is no such address.
    const bool address =
        host.find_first_not_of("0123456789abcdefABCDEF:.%") == std::string_view::npos &&
        host.find('.') == std::string_view::npos;
    complain(address ? "is an IPv6 address without brackets" : "has more than one colon");
  }
  if (host.empty()) complain("has no host");
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size() || port == 0) {
    complain("has no port between 1 and 65535");
  }
  return {std::string(host), port};
}

std::vector<Endpoint> parse_endpoints(std::string_view host_and_port) {
  const HostAndPort parts = split_host_and_port(host_and_port);
  return resolve_all(parts.host, parts.port);
}

// lesson: listen-on
FileDescriptor listen_on(const Endpoint& endpoint, PortUse use) {
  FileDescriptor listener(
      check(::socket(endpoint.family(), SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  const int fd = listener.get();
  // A server started again must not wait for its old connections to leave TIME_WAIT.
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1, "setsockopt SO_REUSEADDR");
  // Linux hands these two on to every accepted socket, which saves two calls per connection.
  // Nagle's algorithm would hold a small echo back while an earlier one is unacknowledged; and a
  // byte that a peer marks as urgent is a byte of the stream like any other (RFC 6093).
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1, "setsockopt TCP_NODELAY");
  set_option(fd, SOL_SOCKET, SO_OOBINLINE, 1, "setsockopt SO_OOBINLINE");
  // For servers with several listeners: see beyond/reuseport.
  if (use == PortUse::shares) share_port(fd);
  check(::bind(fd, endpoint.raw(), endpoint.length), "bind");
  // The kernel cuts this down to what the system allows (net.core.somaxconn), which may be more
  // than the SOMAXCONN that this was compiled with.
  check(::listen(fd, std::numeric_limits<int>::max()), "listen");
  if (use == PortUse::opens) share_port(fd);
  return listener;
}
// end lesson

Endpoint local_endpoint(int socket) {
  Endpoint endpoint;
  endpoint.length = sizeof endpoint.address;
  check(::getsockname(socket, reinterpret_cast<sockaddr*>(&endpoint.address), &endpoint.length),
        "getsockname");
  return endpoint;
}

void set_time_limit(int socket, std::chrono::nanoseconds limit) noexcept {
  const auto us = std::chrono::ceil<std::chrono::microseconds>(limit);
  const auto s = std::chrono::floor<std::chrono::seconds>(us);
  const timeval time{.tv_sec = s.count(), .tv_usec = (us - s).count()};
  // Neither can fail for a TCP socket: the time is in range.
  for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO}) {
    static_cast<void>(::setsockopt(socket, SOL_SOCKET, option, &time, sizeof time));
  }
}

void set_nonblocking(int fd) {
  const int flags = check(::fcntl(fd, F_GETFL), "fcntl F_GETFL");
  check(::fcntl(fd, F_SETFL, flags | O_NONBLOCK), "fcntl F_SETFL");
}

}  // namespace echomux
