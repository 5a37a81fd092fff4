#include "harness/machine/cpu_claim.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <string>

namespace echomux {
namespace {

struct Name {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  socklen_t length = 0;

  [[nodiscard]] const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&address); }
};

Name name_of(int cpu) {
  const std::string text = fmt::format("echomux measures on CPU {}", cpu);
  Name name;
  std::ranges::copy(text, &name.address.sun_path[1]);  // behind the NUL of an abstract name
  name.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + text.size());
  return name;
}

}  // namespace

CpuClaim::CpuClaim(const std::vector<int>& cpus) {
  for (const int cpu : cpus) claims_.push_back({cpu, {}});
}

// A CPU that isn't claimed yet is claimed now. If another process has it, that one gets a message.
// A message for us says that another has tried since the last call.
std::vector<int> CpuClaim::shared() {
  std::vector<int> shared;
  for (Claim& claim : claims_) {
    bool another = false;
    if (claim.socket) {
      for (char word = 0; ::recv(claim.socket.get(), &word, 1, 0) >= 0;) another = true;
    } else {
      const Name name = name_of(claim.cpu);
      FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      if (!socket) continue;
      if (::bind(socket.get(), name.raw(), name.length) == 0) {
        claim.socket = std::move(socket);
      } else if (errno == EADDRINUSE) {
        another = true;
        ::sendto(socket.get(), "", 1, MSG_NOSIGNAL, name.raw(), name.length);
      }
    }
    if (another) shared.push_back(claim.cpu);
  }
  return shared;
}

}  // namespace echomux
