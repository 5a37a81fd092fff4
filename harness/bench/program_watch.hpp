#pragma once

#include <sys/types.h>

#include <ctime>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/bench/sweep.hpp"

namespace echomux {

// Where execvp(3) finds a program: as PATH says, unless its name has a '/'. Empty where it doesn't.
[[nodiscard]] std::filesystem::path program_named(const std::string& name);

// Notices when a program that a sweep starts again and again is replaced meanwhile, as by a build:
// then what was measured before and after are two programs. Watches the program that a server's
// command begins with, and each other program or script in it that is named by its path.
class ProgramWatch {
 public:
  explicit ProgramWatch(const std::vector<SweepServer>& servers);

  // The first of this server's, by its place among those given, that is no longer what it was; none
  // where all are.
  [[nodiscard]] std::optional<std::string> replaced(std::size_t server) const;

 private:
  // What tells one file from another, and from its earlier self.
  struct Identity {
    dev_t device = 0;
    ino_t number = 0;
    off_t size = 0;
    std::time_t changed_s = 0;
    long changed_ns = 0;

    friend bool operator==(const Identity&, const Identity&) = default;
  };
  static Identity identity_of(const std::filesystem::path& path);

  std::vector<std::map<std::string, Identity>> programs_;  // of each server, by path
};

}  // namespace echomux
