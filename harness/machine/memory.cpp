#include "harness/machine/memory.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "harness/machine/cgroup.hpp"
#include "harness/machine/proc_file.hpp"

namespace echomux {
namespace {

namespace fs = std::filesystem;
using Bytes = std::optional<std::uint64_t>;

// The files of a version of control groups, and how its memory.stat calls the files in the cache.
struct Version {
  const char* limit;
  const char* taken;
  const char* cached;
};
constexpr std::array versions{
    Version{"memory.max", "memory.current", "inactive_file"},
    Version{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"}};

// None where there is no such file, or it has no number, as "max" isn't one.
Bytes number_in(const fs::path& root, const fs::path& path) {
  const auto text = proc::read_file((root / path.relative_path()).string());
  if (!text || text->empty() || text->front() < '0' || text->front() > '9') return std::nullopt;
  return proc::number(*text);
}

std::uint64_t cached_bytes(const fs::path& root, const fs::path& group, std::string_view name) {
  const auto stat = proc::read_file((root / group.relative_path() / "memory.stat").string());
  // Pairs of a name and a number.
  const auto words = proc::words(stat ? *stat : std::string_view());
  for (std::size_t i = 0; i + 1 < words.size(); i += 2) {
    if (words[i] == name) return proc::number(words[i + 1]);
  }
  return 0;
}

Bytes left_to_group(const fs::path& root, const fs::path& group) {
  for (const Version& version : versions) {
    const Bytes limit = number_in(root, group / version.limit);
    const Bytes taken = number_in(root, group / version.taken);
    if (!limit || !taken) continue;
    const std::uint64_t held = *taken - std::min(*taken, cached_bytes(root, group, version.cached));
    return *limit - std::min(*limit, held);
  }
  return std::nullopt;
}

}  // namespace

Bytes usable_memory_bytes(const fs::path& root) {
  const auto meminfo = proc::read_file((root / "proc/meminfo").string());
  const auto available = proc::field(meminfo ? *meminfo : std::string_view(), "MemAvailable");
  Bytes least;
  if (available) least = proc::number(*available) * 1024;
  for (const std::string& group : group_directories("memory", root)) {
    const Bytes left = left_to_group(root, group);
    if (left && (!least || *left < *least)) least = left;
  }
  return least ? Bytes(*least / 10 * 9) : std::nullopt;
}

}  // namespace echomux
