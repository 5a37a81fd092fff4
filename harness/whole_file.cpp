#include "harness/whole_file.hpp"

#include <fmt/format.h>

#include <fstream>
#include <stdexcept>

namespace echomux {

void write_whole_file(const std::filesystem::path& path, std::string_view text,
                      std::string_view what) {
  const std::filesystem::path temporary = path.string() + ".part";
  try {
    if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path());
    std::ofstream file;
    file.exceptions(std::ios::badbit | std::ios::failbit);
    file.open(temporary, std::ios::binary);
    file << text;
    file.close();
    std::filesystem::rename(temporary, path);
  } catch (const std::exception& error) {
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    throw std::runtime_error(
        fmt::format("cannot write the {} to {}: {}; choose another place with -o FILE", what,
                    path.string(), error.what()));
  }
}

}  // namespace echomux
