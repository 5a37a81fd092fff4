#pragma once

#include <cstddef>

#include "echo/backend.hpp"

namespace echomux {

// How many workers a server has: as many as ServerOptions::workers says, or else one for each CPU
// that this process may use (sched_getaffinity(2)), and never more than
// ServerOptions::most_workers.
[[nodiscard]] std::size_t worker_count(const ServerOptions& options) noexcept;

}  // namespace echomux
