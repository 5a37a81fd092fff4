#include "harness/machine/addresses.hpp"

#include <ifaddrs.h>
#include <net/if.h>

#include <cstring>
#include <memory>

#include "echo/socket.hpp"

namespace echomux {

std::vector<std::string> own_addresses() {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return {};
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(list, &::freeifaddrs);
  std::vector<std::string> found;
  for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET ||
        (one->ifa_flags & IFF_LOOPBACK) != 0 || (one->ifa_flags & IFF_UP) == 0) {
      continue;
    }
    Endpoint endpoint;
    endpoint.length = sizeof(sockaddr_in);
    std::memcpy(&endpoint.address, one->ifa_addr, sizeof(sockaddr_in));
    const std::string text = endpoint.to_string();
    found.push_back(text.substr(0, text.rfind(':')));
  }
  return found;
}

}  // namespace echomux
