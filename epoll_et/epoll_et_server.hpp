#pragma once

#include <stop_token>

#include "echo/backend.hpp"

namespace echomux {

// Serves every peer from one thread that sleeps in epoll_wait(2), edge-triggered: the kernel
// reports a descriptor once when something arrives or room appears, and the server must remember by
// itself which peers it has not finished with. As Backend::serve.
void serve_epoll_et(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                    ServerStats& stats);

}  // namespace echomux
