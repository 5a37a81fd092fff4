#pragma once

#include <string>

#include "echo/socket.hpp"

namespace echomux {

// What became of a line that was sent to a server.
struct ProbedEcho {
  std::string altered = {};  // "… was sent and … came"; empty when it came back as it was
  bool came = true;          // false when nothing came within half a second
};

// Sends one line, in which there is what programs mistake for an end or change on the way: NUL,
// 0xFF, CR, upper and lower case. To close a connection into which an answer still comes is a
// reset, which could end a server that has yet to be measured: `connection` is to be kept until
// then.
[[nodiscard]] ProbedEcho probe_echo(const Endpoint& server, FileDescriptor& connection);

}  // namespace echomux
