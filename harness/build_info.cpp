#include "harness/build_info.hpp"

#include <nlohmann/json.hpp>

#include "git_commit.hpp"

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

nlohmann::ordered_json to_json(const Build& build) {
  return {{"version", build.version},
          {"git_commit", build.git_commit},
          {"compiler", build.compiler},
          {"flags", build.flags},
          {"build_type", build.build_type}};
}

Build build_from(const nlohmann::ordered_json& json) {
  return {.version = json.at("version"),
          .git_commit = json.at("git_commit"),
          .compiler = json.at("compiler"),
          .flags = json.at("flags"),
          .build_type = json.at("build_type")};
}

}  // namespace echomux
