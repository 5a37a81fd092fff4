#include "harness/text/whole_file.hpp"

#include <fmt/core.h>
#include <unistd.h>

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

// Where a file is written before it takes its place: beside that, or where a link to it leads.
fs::path place_beside(const fs::path& path, fs::path& target) {
  target = path;
  constexpr int most_links = 40;  // as many as the kernel follows
  for (int i = 0; i < most_links && fs::is_symlink(target); ++i) {
    target = target.parent_path() / fs::read_symlink(target);
  }
  if (target.has_parent_path()) fs::create_directories(target.parent_path());
  return fmt::format("{}.{}.part", target.string(), ::getpid());
}

[[noreturn]] void complain(const fs::path& path, std::string_view what,
                           const std::exception& error) {
  const auto* const system = dynamic_cast<const std::system_error*>(&error);
  const bool too_large = system != nullptr && system->code() == std::errc::file_too_large;
  throw std::runtime_error(fmt::format("cannot write the {} to {}: {}; {}", what, path.string(),
                                       error.what(),
                                       too_large ? "this shell limits the size of files (ulimit -f)"
                                                 : "choose another place with -o"));
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
    fs::path target;
    temporary = place_beside(path, target);
    write(temporary, text);
    fs::rename(temporary, target);
  } catch (const std::exception& error) {
    std::error_code ignored;
    if (!temporary.empty()) fs::remove(temporary, ignored);
    complain(path, what, error);
  }
}

void check_writable(const std::filesystem::path& path, std::string_view what) {
  try {
    if (is_written_in_place(path)) return;
    fs::path target;
    const fs::path temporary = place_beside(path, target);
    write(temporary, "");
    fs::remove(temporary);
  } catch (const std::exception& error) {
    complain(path, what, error);
  }
}

}  // namespace echomux
