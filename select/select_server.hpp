#pragma once

#include <stop_token>

#include "echo/backend.hpp"

namespace echomux {

// Serves every peer from one thread that sleeps in select(2): like poll, but the watched
// descriptors are bits in two sets, which every call overwrites with its answer. A descriptor at or
// beyond FD_SETSIZE (1024) is refused unless the options say otherwise. As Backend::serve.
void serve_select(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                  ServerStats& stats);

}  // namespace echomux
