#pragma once

#include <string>

#include "echo/socket.hpp"

namespace echomux {

// Sends one line, in which there is what programs mistake for an end or change on the way: NUL,
// 0xFF, CR, upper and lower case. Says what became of it: "… was sent and … came". Empty when it
// came back as it was, or when nobody answered within half a second, as a server for one peer
// can't. To close a connection into which an answer still comes is a reset, which could end a
// server that has yet to be measured: `connection` is to be kept until then.
[[nodiscard]] std::string probe_echo(const Endpoint& server, FileDescriptor& connection);

}  // namespace echomux
