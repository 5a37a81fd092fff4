#pragma once

#include <string>

#include "harness/text/field.hpp"

namespace echomux {

class Json;

// What this program was built from, with what, and how.
struct Build {
  std::string version;
  // 12 digits, and "-dirty" when tracked files had changes; "unknown" outside a git checkout.
  std::string git_commit;
  std::string compiler;    // name and version
  std::string flags;       // of the build type, and the sanitizers
  std::string build_type;  // CMake's name for it

  friend bool operator==(const Build&, const Build&) = default;
};

template <typename Visit>
void for_each_field(Of<Build>, Visit visit) {
  visit({"version"}, &Build::version);
  visit({"git_commit"}, &Build::git_commit);
  visit({"compiler"}, &Build::compiler);
  visit({"flags"}, &Build::flags);
  visit({"build_type"}, &Build::build_type);
}

[[nodiscard]] Build build_info();

// Version, commit, type of the build and the package that it is for, in one line for --version.
[[nodiscard]] std::string version_line();

[[nodiscard]] Json to_json(const Build& build);

// What to_json was given. Throws JsonError when anything is missing.
[[nodiscard]] Build build_from(const Json& json);

}  // namespace echomux
