#include "harness/whole_file.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <system_error>

namespace echomux {

void write_whole_file(const std::filesystem::path& path, std::string_view text,
                      std::string_view what) {
  const std::filesystem::path temporary = path.string() + ".part";
  try {
    if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path());
    // A stream of its own doesn't say why it failed; the system does, in errno.
    errno = 0;
    std::ofstream file(temporary, std::ios::binary);
    file << text;
    file.close();
    if (!file) throw std::system_error(errno, std::generic_category());
    std::filesystem::rename(temporary, path);
  } catch (const std::exception& error) {
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    throw std::runtime_error(
        fmt::format("cannot write the {} to {}: {}; choose another place with -o", what,
                    path.string(), error.what()));
  }
}

}  // namespace echomux
