#pragma once

#include <stop_token>

#include "echo/backend.hpp"

namespace echomux {

// Serves every peer from one thread that sleeps in epoll_wait(2), level-triggered: the kernel keeps
// the set of watched descriptors and reports each one that is ready, again and again, until it is
// ready no more. As Backend::serve.
void serve_epoll_lt(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                    ServerStats& stats);

}  // namespace echomux
