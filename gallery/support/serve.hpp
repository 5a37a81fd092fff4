#pragma once

#include <stop_token>
#include <utility>

#include "echo/backend.hpp"

namespace echomux {

using Serve = void(FileDescriptor, std::stop_token, const ServerOptions&, ServerStats&);

// Backend::serve of an exhibit.
template <typename Server>
void serve_with(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                ServerStats& stats) {
  Server(std::move(listener), std::move(stop), options, stats.main()).run();
}

}  // namespace echomux
