#include "harness/bench/program_watch.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <set>
#include <sstream>

namespace echomux {
namespace {

namespace fs = std::filesystem;

bool is_file(const fs::path& path) {
  std::error_code none;
  return fs::is_regular_file(path, none);
}

// What an interpreter is given to execute, or a program of its own. Other files that a command
// names may be there to be written to, such as a log; and on some file systems every file may be
// executed.
bool is_script(const fs::path& path) {
  static const std::set<std::string> endings{".class", ".jar", ".java", ".js", ".lua", ".mjs",
                                             ".php",   ".pl",  ".py",   ".rb", ".sh",  ".ts"};
  if (!is_file(path)) return false;
  return endings.contains(path.extension()) ||
         (path.extension().empty() && ::access(path.c_str(), X_OK) == 0);
}

}  // namespace

fs::path program_named(const std::string& name) {
  if (name.find('/') != std::string::npos) return is_file(name) ? fs::path(name) : fs::path();
  const char* const path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "/bin:/usr/bin" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (const fs::path found = fs::path(folder) / name; is_file(found)) return found;
  }
  return {};
}

ProgramWatch::ProgramWatch(const std::vector<SweepServer>& servers) {
  for (const SweepServer& server : servers) {
    auto& programs = programs_.emplace_back();
    const std::vector<std::string>& words = server.command.arguments;
    for (std::size_t i = 0; i < words.size(); ++i) {
      const fs::path path = i == 0 ? program_named(words[i]) : fs::path(words[i]);
      if (i == 0 ? !path.empty() : is_script(path)) {
        programs.emplace(path.string(), identity_of(path));
      }
    }
  }
}

std::optional<std::string> ProgramWatch::replaced(std::size_t server) const {
  for (const auto& [path, identity] : programs_.at(server)) {
    if (!(identity_of(path) == identity)) return path;
  }
  return std::nullopt;
}

ProgramWatch::Identity ProgramWatch::identity_of(const fs::path& path) {
  struct stat state {};
  if (::stat(path.c_str(), &state) != 0) return {};
  return {.device = state.st_dev,
          .number = state.st_ino,
          .size = state.st_size,
          .changed_s = state.st_mtim.tv_sec,
          .changed_ns = state.st_mtim.tv_nsec};
}

}  // namespace echomux
