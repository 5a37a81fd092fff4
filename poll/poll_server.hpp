#pragma once

#include <stop_token>

#include "echo/backend.hpp"

namespace echomux {

// Serves every peer from one thread that sleeps in poll(2): the server keeps the list of watched
// descriptors, hands all of it to the kernel with every call, and looks through it afterwards for
// those that are ready. As Backend::serve.
void serve_poll(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                ServerStats& stats);

}  // namespace echomux
