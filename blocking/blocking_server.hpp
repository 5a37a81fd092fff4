#pragma once

#include <stop_token>

#include "echo/backend.hpp"

namespace echomux {

// Serves one peer at a time with blocking calls, start to end; everyone else waits in the backlog.
// As Backend::serve.
void serve_blocking(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                    ServerStats& stats);

}  // namespace echomux
