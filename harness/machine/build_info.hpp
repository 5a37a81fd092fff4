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
  // Of the code that decides what is measured, without comments and blanks: see
  // tools/code_digest.cpp. Empty in files that are older than this field.
  std::string code_digest;

  friend bool operator==(const Build&, const Build&) = default;
};

template <typename Visit>
void for_each_field(Of<Build>, Visit visit) {
  visit({"version"}, &Build::version);
  visit({"git_commit"}, &Build::git_commit);
  visit({"compiler"}, &Build::compiler);
  visit({"flags"}, &Build::flags);
  visit({"build_type"}, &Build::build_type);
  visit({.name = "code_digest",
         .explanation = "Of the code that decides what is measured, without comments and blanks.",
         .since = 8},
        &Build::code_digest);
}

[[nodiscard]] Build build_info();

// Version, commit, digest of the code that measures, type of the build and the package that it is
// for, in one line for --version.
[[nodiscard]] std::string version_line();

[[nodiscard]] Json to_json(const Build& build);

// What to_json was given. Throws JsonError when anything but the digest is missing.
[[nodiscard]] Build build_from(const Json& json);

}  // namespace echomux
