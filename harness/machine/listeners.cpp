#include "harness/machine/listeners.hpp"

#include <fmt/format.h>
#include <ifaddrs.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "harness/machine/proc_file.hpp"

namespace echomux {
namespace {

Endpoint endpoint_of(const inet_diag_msg& message) {
  Endpoint endpoint;
  const auto* const address = reinterpret_cast<const std::byte*>(message.id.idiag_src);
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(address);
  in6_addr address6{};
  std::memcpy(&address6, bytes, sizeof address6);
  if (message.idiag_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(&address6)) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = message.id.idiag_sport;
    v6.sin6_addr = address6;
    if (IN6_IS_ADDR_LINKLOCAL(&address6)) v6.sin6_scope_id = message.id.idiag_if;
    std::memcpy(&endpoint.address, &v6, sizeof v6);
    endpoint.length = sizeof v6;
    return endpoint;
  }
  constexpr std::size_t mapped_prefix = 12;
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = message.id.idiag_sport;
  std::memcpy(&v4.sin_addr, bytes + (message.idiag_family == AF_INET6 ? mapped_prefix : 0),
              sizeof v4.sin_addr);
  std::memcpy(&endpoint.address, &v4, sizeof v4);
  endpoint.length = sizeof v4;
  return endpoint;
}

bool is_any_address(const Endpoint& endpoint) {
  if (endpoint.family() == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(endpoint.address);
    return IN6_IS_ADDR_UNSPECIFIED(&v6.sin6_addr);
  }
  return reinterpret_cast<const sockaddr_in&>(endpoint.address).sin_addr.s_addr == INADDR_ANY;
}

// [::] takes IPv4 connections too, unless it says that it doesn't (IPV6_V6ONLY, ipv6(7)).
bool only_ipv6(const nlmsghdr& header, const inet_diag_msg& message) {
  auto length = static_cast<unsigned>(header.nlmsg_len - NLMSG_LENGTH(sizeof message));
  for (const auto* attribute = reinterpret_cast<const rtattr*>(&message + 1);
       RTA_OK(attribute, length); attribute = RTA_NEXT(attribute, length)) {
    if (attribute->rta_type == INET_DIAG_SKV6ONLY) {
      return *static_cast<const std::uint8_t*>(RTA_DATA(attribute)) != 0;
    }
  }
  return false;
}

Listener listener_of(const nlmsghdr& header, const inet_diag_msg& message) {
  Listener listener;
  listener.bound = endpoint_of(message);
  listener.takes_ipv4 = message.idiag_family == AF_INET6 && is_any_address(listener.bound) &&
                        !only_ipv6(header, message);
  listener.inode = message.idiag_inode;
  listener.waiting = message.idiag_rqueue;
  listener.backlog = message.idiag_wqueue;
  return listener;
}

bool ask(int socket, int family) {
  struct {
    nlmsghdr header{};
    inet_diag_req_v2 request{};
  } question;
  question.header.nlmsg_len = sizeof question;
  question.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  question.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  question.request.sdiag_family = static_cast<std::uint8_t>(family);
  question.request.sdiag_protocol = IPPROTO_TCP;
  question.request.idiag_states = 1U << TCP_LISTEN;
  return ::send(socket, &question, sizeof question, 0) == sizeof question;
}

// False when the kernel doesn't answer the question.
bool add_answers(int socket, std::vector<Listener>& found) {
  alignas(nlmsghdr) std::array<char, 32'768> buffer{};
  for (;;) {
    const ssize_t count = ::recv(socket, buffer.data(), buffer.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    auto length = static_cast<unsigned>(count);
    for (const auto* header = reinterpret_cast<const nlmsghdr*>(buffer.data());
         NLMSG_OK(header, length); header = NLMSG_NEXT(header, length)) {
      if (header->nlmsg_type ==
          NLMSG_DONE) {  // with an error, where a part of the kernel is missing
        return header->nlmsg_len < NLMSG_LENGTH(sizeof(int)) ||
               *static_cast<const int*>(NLMSG_DATA(header)) >= 0;
      }
      if (header->nlmsg_type == NLMSG_ERROR) return false;
      found.push_back(listener_of(*header, *static_cast<const inet_diag_msg*>(NLMSG_DATA(header))));
    }
  }
}

}  // namespace

Endpoint Listener::reached_at() const {
  if (takes_ipv4) return resolve("127.0.0.1", bound.port());
  return reached_from_here(bound);
}

Endpoint reached_from_here(const Endpoint& address) {
  if (!is_any_address(address)) return address;
  return resolve(address.family() == AF_INET6 ? "::1" : "127.0.0.1", address.port());
}

std::optional<std::vector<Listener>> listeners(std::uint16_t port) {
  const FileDescriptor socket(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!socket) return std::nullopt;
  set_time_limit(socket.get(), std::chrono::seconds(1));
  std::vector<Listener> found;
  for (const int family : {AF_INET, AF_INET6}) {
    const bool answered = ask(socket.get(), family) && add_answers(socket.get(), found);
    // A kernel without IPv6 has no answer for that.
    if (!answered && family == AF_INET) return std::nullopt;
  }
  if (port != 0) {
    std::erase_if(found, [port](const Listener& one) { return one.bound.port() != port; });
  }
  return found;
}

bool is_of_this_machine(const Endpoint& address) {
  if (address.is_loopback() || is_any_address(address)) return true;
  ifaddrs* interfaces = nullptr;
  if (::getifaddrs(&interfaces) != 0) return false;
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(interfaces, &::freeifaddrs);
  const auto same = [&](const sockaddr* own) {
    if (own == nullptr || own->sa_family != address.family()) return false;
    if (own->sa_family == AF_INET) {
      return reinterpret_cast<const sockaddr_in*>(own)->sin_addr.s_addr ==
             reinterpret_cast<const sockaddr_in*>(address.raw())->sin_addr.s_addr;
    }
    const in6_addr& one = reinterpret_cast<const sockaddr_in6*>(own)->sin6_addr;
    const in6_addr& other = reinterpret_cast<const sockaddr_in6*>(address.raw())->sin6_addr;
    return std::memcmp(&one, &other, sizeof one) == 0;
  };
  for (const ifaddrs* one = interfaces; one != nullptr; one = one->ifa_next) {
    if (same(one->ifa_addr)) return true;
  }
  return false;
}

std::optional<Listener> listener_at(const Endpoint& address) {
  const auto all = is_of_this_machine(address) ? listeners(address.port()) : std::nullopt;
  if (!all) return std::nullopt;
  const auto takes = [&](const Listener& one) {
    if (one.bound.to_string() == address.to_string()) return true;
    if (!is_any_address(one.bound)) return false;
    return one.bound.family() == address.family() ||
           (one.takes_ipv4 && address.family() == AF_INET);
  };
  const auto found = std::ranges::find_if(*all, takes);
  return found == all->end() ? std::nullopt : std::optional(*found);
}

Sockets sockets_of(const std::vector<pid_t>& processes) {
  namespace fs = std::filesystem;
  constexpr std::string_view prefix = "socket:[";
  Sockets sockets;
  for (const pid_t process : processes) {
    std::error_code error;
    fs::directory_iterator entry(fmt::format("/proc/{}/fd", process), error);
    if (error && error != std::errc::no_such_file_or_directory) sockets.complete = false;
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
      std::error_code gone;
      const std::string target = fs::read_symlink(entry->path(), gone).string();
      if (target.starts_with(prefix)) {
        sockets.inodes.insert(proc::number(std::string_view(target).substr(prefix.size())));
      }
    }
  }
  return sockets;
}

}  // namespace echomux
