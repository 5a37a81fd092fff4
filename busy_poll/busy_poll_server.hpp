#pragma once

#include <stop_token>

#include "echo/backend.hpp"

namespace echomux {

// Serves every peer from one thread that never sleeps: it asks every socket in turn whether there
// is anything to do, without end. Uses a whole CPU even when nobody sends. As Backend::serve.
void serve_busy_poll(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                     ServerStats& stats);

}  // namespace echomux
