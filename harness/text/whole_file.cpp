#include "harness/text/whole_file.hpp"

#include <fmt/core.h>

#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <system_error>

namespace echomux {
namespace {

namespace fs = std::filesystem;

void write(const fs::path& path, std::string_view text) {
  // A stream of its own doesn't say why it failed; the system does, in errno.
  errno = 0;
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) throw std::system_error(errno, std::generic_category());
}

// A device or a pipe must not be replaced by a file, least of all by root.
bool is_written_in_place(const fs::path& path) {
  std::error_code none;
  const fs::file_status status = fs::status(path, none);
  return fs::exists(status) && !fs::is_regular_file(status) && !fs::is_directory(status);
}

}  // namespace

void write_whole_file(const std::filesystem::path& path, std::string_view text,
                      std::string_view what) {
  fs::path temporary;
  try {
    if (is_written_in_place(path)) {
      write(path, text);
      return;
    }
    fs::path target = path;
    constexpr int most_links = 40;  // as many as the kernel follows
    for (int i = 0; i < most_links && fs::is_symlink(target); ++i) {
      target = target.parent_path() / fs::read_symlink(target);
    }
    if (target.has_parent_path()) fs::create_directories(target.parent_path());
    temporary = target.string() + ".part";
    write(temporary, text);
    fs::rename(temporary, target);
  } catch (const std::exception& error) {
    std::error_code ignored;
    if (!temporary.empty()) fs::remove(temporary, ignored);
    throw std::runtime_error(
        fmt::format("cannot write the {} to {}: {}; choose another place with -o", what,
                    path.string(), error.what()));
  }
}

}  // namespace echomux
