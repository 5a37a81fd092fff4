#pragma once

#include <vector>

#include "echo/file_descriptor.hpp"

namespace echomux {

// Says that this process measures on some CPUs, so that two that would spoil each other's figures
// know it. A claim is a socket with a name in the abstract namespace (unix(7)). All users of a
// network namespace see it. It ends with its process.
class CpuClaim {
 public:
  // Never throws: where there are no such sockets, nobody is told.
  explicit CpuClaim(const std::vector<int>& cpus);

  // Those of the CPUs that another process measures on, or has measured on since the last call. To
  // be called before and after each measurement.
  [[nodiscard]] std::vector<int> shared();

 private:
  struct Claim {
    int cpu;
    FileDescriptor socket;  // none as long as another has the claim
  };
  std::vector<Claim> claims_;
};

}  // namespace echomux
