#pragma once

#include <stop_token>

#include "echo/backend.hpp"

namespace echomux {

// One thread, the reactor, sleeps in epoll_wait(2) and hands every peer that is ready to one of
// ServerOptions::workers threads, which reads, writes, and has the peer watched again
// (EPOLLONESHOT). As Backend::serve; that a thread can't be had is a failure of set-up.
void serve_reactor_workers(FileDescriptor listener, std::stop_token stop,
                           const ServerOptions& options, ServerStats& stats);

}  // namespace echomux
