#pragma once

#include <stop_token>

#include "echo/backend.hpp"

namespace echomux {

// Several loops, each of which accepts from a listener of its own and serves whom it has accepted,
// as epoll_lt does: ServerOptions::workers threads, or ServerOptions::processes processes. All
// listeners share one port (SO_REUSEPORT, socket(7)), and the kernel chooses among them. As
// Backend::serve; that a thread or process can't be had is a failure of set-up. A process that is
// killed takes its own peers along and nobody else's; the server ends when none is left.
void serve_reuseport(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                     ServerStats& stats);

}  // namespace echomux
