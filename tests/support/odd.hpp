#pragma once

#include <string>

#include "harness/server/server_process.hpp"

namespace echomux {

// How to start the server of odd_server.cpp in this mode, as in "stall=200ms/2s".
[[nodiscard]] inline ServerCommand odd(const std::string& mode) {
  return {.arguments = {ODD_SERVER, "{port}", mode}};
}

}  // namespace echomux
