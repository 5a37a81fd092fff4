#include "harness/text/whole_file.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <map>
#include <stdexcept>
#include <system_error>

namespace echomux {
namespace {

namespace fs = std::filesystem;

// To open a pipe waits until somebody reads from it, which may be never.
void check_reader(const fs::path& path) {
  std::error_code none;
  if (!fs::is_fifo(path, none)) return;
  FileDescriptor pipe(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  if (!pipe && errno == ENXIO) throw std::runtime_error("nobody reads from this pipe");
  // Who reads takes it for the end when the last writer leaves, and there is more to come.
  static std::map<std::string, FileDescriptor> until_the_end;
  until_the_end.try_emplace(path.string(), std::move(pipe));
}

void write(const fs::path& path, std::string_view text) {
  check_reader(path);
  // A stream of its own doesn't say why it failed; the system does, in errno.
  errno = 0;
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) throw std::system_error(errno, std::generic_category());
}

// A device or a pipe must not be replaced by a file, least of all by root; and a name such as
// /dev/stdout is one of an open file, whose own name isn't known.
bool is_written_in_place(const fs::path& path) {
  std::error_code none;
  for (const char* const open : {"/dev/std", "/dev/fd/", "/proc/self/fd/"}) {
    if (path.string().starts_with(open)) return true;
  }
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
  static_cast<void>(write_and_hold(path, text, what));
}

FileDescriptor write_and_hold(const std::filesystem::path& path, std::string_view text,
                              std::string_view what) {
  fs::path temporary;
  try {
    if (is_written_in_place(path)) {
      write(path, text);
      return {};
    }
    fs::path target;
    temporary = place_beside(path, target);
    write(temporary, text);
    // Locked before it has its name, there is no moment at which the name is free. For reading: a
    // file that is open for writing keeps its disk from becoming read-only.
    FileDescriptor held(::open(temporary.c_str(), O_RDONLY | O_CLOEXEC));
    if (held && ::flock(held.get(), LOCK_EX | LOCK_NB) != 0) held.reset();
    fs::rename(temporary, target);
    return held;
  } catch (const std::exception& error) {
    std::error_code ignored;
    if (!temporary.empty()) fs::remove(temporary, ignored);
    complain(path, what, error);
  }
}

bool is_held(const std::filesystem::path& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  return file && ::flock(file.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

void check_writable(const std::filesystem::path& path, std::string_view what) {
  try {
    if (is_written_in_place(path)) return check_reader(path);
    fs::path target;
    const fs::path temporary = place_beside(path, target);
    write(temporary, "");
    fs::remove(temporary);
  } catch (const std::exception& error) {
    complain(path, what, error);
  }
}

}  // namespace echomux
