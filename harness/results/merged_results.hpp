#pragma once

#include <string>
#include <vector>

#include "harness/bench/results.hpp"

namespace echomux {

// What `echomux swarm --format json` has written of a client.
struct ClientFile {
  std::string file;
  std::string server;
  std::string program;
  Load load;
  LoadPart part;
};

// Throws std::runtime_error, with a sentence for the user, for a file that is none.
[[nodiscard]] ClientFile read_client_file(const std::string& file);

// The results of one load that several clients have put on a server which none of them has started,
// so that its own cost isn't known: one trial, with what each client saw. `whole` is what they come
// to, and `load` what was asked for, over all parts.
[[nodiscard]] Results results_of_parts(const std::string& server, const Load& load,
                                       LoadReport whole, std::vector<LoadPart> parts,
                                       std::vector<std::string> command);

}  // namespace echomux
