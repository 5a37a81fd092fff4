#include "harness/machine/loopback.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

#include "echo/file_descriptor.hpp"
#include "harness/machine/proc_file.hpp"

namespace echomux {

bool has_whole_loopback() {
  const FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
  const bool bound =
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  return bound || errno != EADDRNOTAVAIL;
}

std::optional<PortRange> ports_given_away(const std::filesystem::path& root) {
  const auto text = proc::read_file((root / "proc/sys/net/ipv4/ip_local_port_range").string());
  const auto words = proc::words(text ? *text : std::string_view());
  if (words.size() != 2) return std::nullopt;
  const auto first = proc::number(words[0]);
  const auto last = proc::number(words[1]);
  return first > 0 && last >= first ? std::optional(PortRange{first, last}) : std::nullopt;
}

std::optional<std::uint64_t> client_ports(const std::filesystem::path& root) {
  const auto range = ports_given_away(root);
  return range ? std::optional(range->last - range->first + 1) : std::nullopt;
}

std::optional<ConnectionTracking> connection_tracking(const std::filesystem::path& root) {
  const auto number_in = [&](const char* name) {
    return proc::number(
        proc::read_file((root / "proc/sys/net/netfilter" / name).string()).value_or(""));
  };
  const ConnectionTracking tracking{number_in("nf_conntrack_max"), number_in("nf_conntrack_count")};
  // Without any, no rule asks for it.
  return tracking.most > 0 && tracking.taken > 0 ? std::optional(tracking) : std::nullopt;
}

}  // namespace echomux
