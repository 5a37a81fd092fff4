#pragma once

#include <filesystem>
#include <string>

namespace echomux {

// How the kernel splits CPU time into user and system time, by the options that it was built with.
struct CpuAccounting {
  std::string words;        // "tick-based …", "full …" or "unknown …"
  std::string why_unknown;  // empty where it is known
};

// Of the kernel of this release, whose configuration is looked for below `root`.
[[nodiscard]] CpuAccounting cpu_accounting(const std::filesystem::path& root,
                                           const std::string& release);

}  // namespace echomux
