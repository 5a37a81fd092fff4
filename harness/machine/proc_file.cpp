#include "harness/machine/proc_file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <string>

#include "echo/file_descriptor.hpp"

namespace echomux::proc {

std::optional<std::string> read_file(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return std::nullopt;
  std::string text;
  std::array<char, 4096> chunk;
  for (;;) {
    const ssize_t count = ::read(file.get(), chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::nullopt;
    if (count == 0) return text;
    text.append(chunk.data(), static_cast<std::size_t>(count));
  }
}

std::string why_unusable() {
  std::array<char, 24> self{};
  const ssize_t length = ::readlink("/proc/self", self.data(), self.size());
  if (length < 0) {
    return "/proc isn't mounted here, and it is where the system tells of processes: mount -t proc "
           "proc /proc";
  }
  if (std::string_view(self.data(), static_cast<std::size_t>(length)) ==
      std::to_string(::getpid())) {
    return "";
  }
  return "/proc is that of another PID namespace. Processes have other numbers there. Mount a "
         "/proc for "
         "this one: 'unshare --pid --fork --mount-proc', or 'mount -t proc proc /proc'";
}

std::vector<std::string_view> words(std::string_view text) {
  constexpr std::string_view blanks = " \t\n";
  std::vector<std::string_view> found;
  for (std::size_t begin = text.find_first_not_of(blanks); begin != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(blanks, begin), text.size());
    found.push_back(text.substr(begin, end - begin));
    begin = text.find_first_not_of(blanks, end);
  }
  return found;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\n";
  text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
  return text.substr(0, text.find_last_not_of(blanks) + 1);
}

std::optional<std::string_view> field(std::string_view text, std::string_view key, char separator) {
  for (std::size_t at = text.find(key); at != std::string_view::npos; at = text.find(key, at + 1)) {
    std::string_view rest = text.substr(at + key.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
    if ((at > 0 && text[at - 1] != '\n') || !rest.starts_with(separator)) continue;
    return trimmed(rest.substr(1, rest.find('\n') - 1));
  }
  return std::nullopt;
}

std::vector<int> numbers_in(const std::string& directory) {
  const std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(directory.c_str()), &::closedir);
  std::vector<int> numbers;
  while (const dirent* entry = open ? ::readdir(open.get()) : nullptr) {
    if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9') {
      numbers.push_back(number<int>(entry->d_name));
    }
  }
  return numbers;
}

}  // namespace echomux::proc
