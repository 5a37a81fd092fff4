#include "cli/output.hpp"

#include <fmt/core.h>

#include <cstdlib>
#include <iostream>

#include "harness/text/whole_file.hpp"

namespace echomux {

namespace fs = std::filesystem;

Option force_option(bool& force) {
  return {"--force", "Write over a file that is there already", &force};
}

void check_output(const fs::path& path, bool force, std::string_view what) {
  std::error_code none;
  if (!path.has_filename() || fs::is_directory(path, none)) {
    throw UsageError(fmt::format("cannot write the {} to {}: it is a folder; name a file in it",
                                 what, path.string()));
  }
  if (path == "-") {
    throw UsageError(
        fmt::format("-o -: the {} can't go to stdout; name a file (./- is one)", what));
  }
  const bool there = fs::exists(path, none);
  if (there && !fs::is_regular_file(path, none)) return check_writable(path, what);
  if (there && is_held(path)) {
    throw UsageError(fmt::format("{} is another run's, which is writing it; choose another name",
                                 path.string()));
  }
  // What was made empty, to take a name, holds nothing that could be lost.
  if (there && !force && fs::file_size(path, none) > 0) {
    throw UsageError(
        fmt::format("{} is there already, and would be lost; choose another name for the {}, or "
                    "write over it with --force",
                    path.string(), what));
  }
  const fs::path folder = path.parent_path();
  const bool is_new = !folder.empty() && !fs::exists(folder, none);
  check_writable(path, what);
  if (is_new) std::cerr << fmt::format("echomux: made the folder {}\n", folder.string());
}

bool same_file(const fs::path& one, const fs::path& other) {
  std::error_code none;
  if (fs::equivalent(one, other, none)) return true;
  const fs::path whole_one = fs::weakly_canonical(fs::absolute(one, none), none);
  return !none && whole_one == fs::weakly_canonical(fs::absolute(other, none), none);
}

std::vector<fs::path> state_folders() {
  std::vector<fs::path> folders;
  const auto add = [&](const char* variable, const char* below) {
    const char* const folder = std::getenv(variable);
    if (folder != nullptr && *folder == '/') folders.push_back(fs::path(folder) / below);
  };
  add("XDG_STATE_HOME", "echomux");
  add("HOME", ".local/state/echomux");
  return folders;
}

fs::path unused_name(const fs::path& path, std::string_view other_extension) {
  const auto is_used = [&](fs::path name) {
    std::error_code none;
    return fs::exists(fs::symlink_status(name, none)) ||
           (!other_extension.empty() &&
            fs::exists(fs::symlink_status(name.replace_extension(other_extension), none)));
  };
  fs::path name = path;
  for (int i = 2; is_used(name); ++i) {
    name = path.parent_path() /
           fmt::format("{}-{}{}", path.stem().string(), i, path.extension().string());
  }
  return name;
}

}  // namespace echomux
