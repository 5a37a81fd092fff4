#pragma once

#include <stop_token>

#include "echo/backend.hpp"

namespace echomux {

// Serves every peer from one thread that sleeps in epoll_wait(2), level-triggered. Each peer is a
// C++20 coroutine that reads as if its calls blocked: what would block suspends it, and the loop
// resumes it with the result. As Backend::serve.
void serve_coroutines(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                      ServerStats& stats);

}  // namespace echomux
