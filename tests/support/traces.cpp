#include "tests/support/traces.hpp"

#include <stdlib.h>

#include <algorithm>
#include <sstream>

#include "harness/machine/proc_file.hpp"

namespace echomux {
namespace {

constexpr const char* mark_variable = "ECHOMUX_TEST_MARK";

}  // namespace

Traces::Traces()
    : mark_(std::string(mark_variable).append("=").append(directory_.path().string())) {
  const char* const before = ::getenv("TMPDIR");
  if (before != nullptr) tmpdir_before_ = before;
  ::setenv(mark_variable, directory_.path().c_str(), 1);
  ::setenv("TMPDIR", directory_.path().c_str(), 1);
}

Traces::~Traces() {
  ::unsetenv(mark_variable);
  if (tmpdir_before_.empty()) {
    ::unsetenv("TMPDIR");
  } else {
    ::setenv("TMPDIR", tmpdir_before_.c_str(), 1);
  }
}

std::vector<std::string> Traces::processes() const {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::istringstream variables(file_text(entry.path() / "environ"));
    for (std::string variable; std::getline(variables, variable, '\0');) {
      if (variable != mark_) continue;
      std::string words = file_text(entry.path() / "cmdline");
      std::ranges::replace(words, '\0', ' ');
      found.push_back(entry.path().filename().string() + ": " + words);
    }
  }
  return found;
}

std::vector<std::string> Traces::temporary_files() const {
  return names_in(directory_.path());
}

std::vector<std::string> names_in(const std::filesystem::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    names.push_back(entry.path().filename());
  }
  std::ranges::sort(names);
  return names;
}

std::size_t listening_sockets() {
  std::size_t count = 0;
  for (const char* const table : {"/proc/thread-self/net/tcp", "/proc/thread-self/net/tcp6"}) {
    std::istringstream lines(file_text(table));
    for (std::string line; std::getline(lines, line);) {
      // The number, both addresses, and the state: TCP_LISTEN.
      const auto fields = proc::words(line);
      if (fields.size() > 3 && fields[3] == "0A") ++count;
    }
  }
  return count;
}

}  // namespace echomux
