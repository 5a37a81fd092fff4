#include "harness/machine/build_info.hpp"

#include "code_digest.hpp"
#include "git_commit.hpp"
#include "harness/text/field_json.hpp"

namespace echomux {

Build build_info() {
  return {.version = ECHOMUX_VERSION,
          .git_commit = ECHOMUX_GIT_COMMIT,
          .compiler = ECHOMUX_COMPILER,
          .flags = ECHOMUX_FLAGS,
          .build_type = ECHOMUX_BUILD_TYPE,
          .code_digest = ECHOMUX_CODE_DIGEST};
}

std::string version_line() {
  return "echomux " ECHOMUX_VERSION " (commit " ECHOMUX_GIT_COMMIT ", code " ECHOMUX_CODE_DIGEST
         ", " ECHOMUX_BUILD_TYPE ", package " ECHOMUX_PACKAGE ")";
}

Json to_json(const Build& build) {
  return json_of(build);
}

Build build_from(const Json& json) {
  Build build;
  read_json(json, build, 7);  // the last version whose files may be without a digest
  return build;
}

}  // namespace echomux
