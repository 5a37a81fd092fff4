#pragma once

#include <stop_token>

#include "echo/backend.hpp"

namespace echomux {

// Serves every peer from one thread that sleeps in epoll_wait(2), where each report of a peer is
// also the last one until the server asks for the next (EPOLLONESHOT). As Backend::serve.
void serve_eighth(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                  ServerStats& stats);

}  // namespace echomux
