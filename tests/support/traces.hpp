#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "tests/support/temporary_directory.hpp"

namespace echomux {

// What a program and all that it starts leave behind: while this lives, programs started by the
// test get an environment variable by which they are known, whatever their parent has become, and a
// TMPDIR of their own. One at a time.
class Traces {
 public:
  Traces();
  ~Traces();
  Traces(const Traces&) = delete;
  Traces& operator=(const Traces&) = delete;

  // The command lines of the marked processes that are there now.
  [[nodiscard]] std::vector<std::string> processes() const;

  // The names of what is in their TMPDIR.
  [[nodiscard]] std::vector<std::string> temporary_files() const;

 private:
  TemporaryDirectory directory_;
  std::string mark_;
  std::string tmpdir_before_;
};

// The names of what is in a directory, sorted.
[[nodiscard]] std::vector<std::string> names_in(const std::filesystem::path& directory);

// How many sockets listen in the calling thread's network, IPv4 and IPv6 (proc(5), net/tcp).
[[nodiscard]] std::size_t listening_sockets();

}  // namespace echomux
