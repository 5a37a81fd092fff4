#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "echo/backend.hpp"
#include "harness/server/server_process.hpp"
#include "tests/model/script.hpp"

namespace echomux::model {

// A kind of server to run scripts against, each with a fresh process.
struct Target {
  std::string name;
  ServerCommand command;
  std::size_t max_connections;  // that it serves at a time
  // False for a server that SIGTERM simply kills.
  bool stops_in_order = true;
};

// `echomux serve` with this backend.
[[nodiscard]] Target target_of(const Backend& backend);

// What a server did that it must not do.
struct Failure {
  std::size_t step;  // an index into the script; its size: afterwards
  std::string what;
};

// Runs the script against a fresh server, then has every peer that is left get all that it is owed
// and its end, and checks that the server serves a newcomer, agrees with the model on what has
// happened, has closed all descriptors and stops when told to. None when it did everything right.
// A server that keeps somebody waiting longer than `limit` without anything moving has failed.
// Throws std::exception when there is no such server to be started.
[[nodiscard]] std::optional<Failure> run(const Script& script, const Target& target,
                                         std::chrono::milliseconds limit);

}  // namespace echomux::model
