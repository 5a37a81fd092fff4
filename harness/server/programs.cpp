#include "harness/server/programs.hpp"

#include <stdexcept>

#include "harness/machine/proc_file.hpp"

namespace echomux {

namespace fs = std::filesystem;

fs::path own_program() {
  if (const std::string why = proc::why_unusable(); !why.empty()) throw std::runtime_error(why);
  return fs::read_symlink("/proc/self/exe");
}

fs::path floor_program() {
  const fs::path folder = own_program().parent_path();
  for (const fs::path& built : {folder / "floor_server", folder.parent_path() / "floor_server"}) {
    if (fs::exists(built)) return built;
  }
  return (folder / ECHOMUX_FLOOR_FROM_BIN).lexically_normal();
}

fs::path peer_program(std::string_view name) {
  const fs::path folder = own_program().parent_path();
  const fs::path beside = folder / "peers" / name;
  return fs::exists(beside) ? beside : folder.parent_path() / "peers" / name;
}

fs::path serving_program() {
  const fs::path own = own_program();
  return own.filename() == "echomux-mpi" ? own.parent_path() / "echomux" : own;
}

fs::path echomux_program() {
  const fs::path folder = own_program().parent_path();
  const fs::path beside = folder / "echomux";
  return fs::exists(beside) ? beside : folder.parent_path() / "echomux";
}

}  // namespace echomux
