#pragma once

#include <sys/types.h>

#include <ctime>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "harness/bench/sweep.hpp"

namespace echomux {

// Notices when a program that a sweep starts again and again is replaced meanwhile, as by a build:
// then what was measured before and after are two programs. Watches each program and script that a
// server's command names.
class ProgramWatch {
 public:
  explicit ProgramWatch(const std::vector<SweepServer>& servers);

  // Those that are no longer what they were at the beginning, in the order of their names.
  [[nodiscard]] std::vector<std::string> replaced() const;

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

  std::map<std::string, Identity> programs_;
};

}  // namespace echomux
