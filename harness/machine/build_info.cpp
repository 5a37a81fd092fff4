#include "harness/machine/build_info.hpp"

#include "git_commit.hpp"
#include "harness/text/json.hpp"

namespace echomux {

Build build_info() {
  return {.version = ECHOMUX_VERSION,
          .git_commit = ECHOMUX_GIT_COMMIT,
          .compiler = ECHOMUX_COMPILER,
          .flags = ECHOMUX_FLAGS,
          .build_type = ECHOMUX_BUILD_TYPE};
}

std::string version_line() {
  return "echomux " ECHOMUX_VERSION " (commit " ECHOMUX_GIT_COMMIT ", " ECHOMUX_BUILD_TYPE
         ", package " ECHOMUX_PACKAGE ")";
}

Json to_json(const Build& build) {
  return {{"version", build.version},
          {"git_commit", build.git_commit},
          {"compiler", build.compiler},
          {"flags", build.flags},
          {"build_type", build.build_type}};
}

Build build_from(const Json& json) {
  return {.version = json.at("version").get<std::string>(),
          .git_commit = json.at("git_commit").get<std::string>(),
          .compiler = json.at("compiler").get<std::string>(),
          .flags = json.at("flags").get<std::string>(),
          .build_type = json.at("build_type").get<std::string>()};
}

}  // namespace echomux
