#pragma once

#include <string>
#include <vector>

namespace echomux {

// The IPv4 addresses of this host's interfaces that are up, but for its loopback network's.
[[nodiscard]] std::vector<std::string> own_addresses();

}  // namespace echomux
