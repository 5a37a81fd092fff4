#include "echo/workers.hpp"

#include <sched.h>

#include <algorithm>
#include <thread>

namespace echomux {

std::size_t worker_count(const ServerOptions& options) noexcept {
  if (options.workers > 0) return options.workers;
  cpu_set_t cpus{};
  const int known = ::sched_getaffinity(0, sizeof cpus, &cpus);
  // The library may count CPUs that this process may not use.
  const unsigned count =
      known == 0 ? static_cast<unsigned>(CPU_COUNT(&cpus)) : std::thread::hardware_concurrency();
  return std::clamp<std::size_t>(count, 1, ServerOptions::most_workers);
}

}  // namespace echomux
