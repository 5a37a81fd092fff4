#include "benchmarks/slab_caches.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "harness/text/words.hpp"

namespace echomux {
namespace {

namespace fs = std::filesystem;

// The names of all caches that share slabs with the one of this name.
std::string all_names(const std::string& name) {
  const fs::path folder = "/sys/kernel/slab";
  std::error_code none;
  const fs::path target = fs::read_symlink(folder / name, none);
  if (none) return name;  // it is alone
  std::vector<std::string> names{name};
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, none)) {
    const std::string other = entry.path().filename().string();
    std::error_code no_link;
    if (other != name && fs::read_symlink(entry.path(), no_link) == target && !no_link) {
      names.push_back(other);
    }
  }
  std::sort(names.begin() + 1, names.end());
  return joined(names, " + ");
}

}  // namespace

std::map<std::string, std::uint64_t> slab_caches() {
  std::map<std::string, std::uint64_t> caches;
  std::ifstream file("/proc/slabinfo");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    std::uint64_t active = 0;
    std::uint64_t objects = 0;
    std::uint64_t object_bytes = 0;
    std::uint64_t objects_per_slab = 0;
    std::uint64_t pages_per_slab = 0;
    if (words >> name >> active >> objects >> object_bytes >> objects_per_slab >> pages_per_slab &&
        objects_per_slab > 0) {
      const auto page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
      caches[name] = objects / objects_per_slab * pages_per_slab * page_bytes;
    }
  }
  return caches;
}

std::vector<SlabGrowth> growth(const std::map<std::string, std::uint64_t>& before,
                               const std::map<std::string, std::uint64_t>& after,
                               std::uint64_t least_bytes) {
  std::vector<SlabGrowth> grown;
  for (const auto& [name, bytes] : after) {
    const auto found = before.find(name);
    const std::uint64_t then = found == before.end() ? 0 : found->second;
    if (bytes >= then + least_bytes) grown.push_back({all_names(name), bytes - then});
  }
  std::ranges::sort(grown, std::greater{}, &SlabGrowth::bytes);
  return grown;
}

}  // namespace echomux
