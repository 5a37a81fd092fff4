#pragma once

#include <stop_token>

#include "echo/backend.hpp"

namespace echomux {

// Serves each peer in a thread of its own with blocking calls; the calling thread accepts. As
// Backend::serve.
void serve_threaded(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                    ServerStats& stats);

}  // namespace echomux
