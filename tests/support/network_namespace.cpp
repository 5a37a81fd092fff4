#include "tests/support/network_namespace.hpp"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>
#include <fstream>
#include <stdexcept>

#include "echo/system_call.hpp"

namespace echomux {
namespace {

FileDescriptor own_network() {
  return FileDescriptor(check(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC),
                              "open the network namespace"));
}

}  // namespace

std::string NetworkNamespace::why_not() {
  const FileDescriptor before = own_network();
  if (::unshare(CLONE_NEWNET) == 0) {
    check(::setns(before.get(), CLONE_NEWNET), "setns");
    return {};
  }
  return "a network namespace of its own isn't permitted here (" + error_text(errno) +
         "); run the tests as root, or under 'unshare -Urn' in one that is";
}

NetworkNamespace::NetworkNamespace() : before_(own_network()) {
  check(::unshare(CLONE_NEWNET), "unshare CLONE_NEWNET");
  set_loopback(true);
}

NetworkNamespace::~NetworkNamespace() {
  static_cast<void>(::setns(before_.get(), CLONE_NEWNET));
}

void NetworkNamespace::set_loopback(bool up) {
  const FileDescriptor socket(check(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket"));
  ifreq request{};
  std::memcpy(request.ifr_name, "lo", sizeof "lo");
  check(::ioctl(socket.get(), SIOCGIFFLAGS, &request), "ioctl SIOCGIFFLAGS");
  const auto flag = static_cast<short>(IFF_UP);
  request.ifr_flags = static_cast<short>(up ? request.ifr_flags | flag : request.ifr_flags & ~flag);
  check(::ioctl(socket.get(), SIOCSIFFLAGS, &request), "ioctl SIOCSIFFLAGS");
}

void NetworkNamespace::set(const std::string& name, const std::string& value) {
  std::ofstream file("/proc/sys/" + name);
  file << value << std::flush;
  if (!file) throw std::runtime_error("can't set " + name + " to " + value);
}

}  // namespace echomux
