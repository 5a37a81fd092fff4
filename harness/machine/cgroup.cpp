#include "harness/machine/cgroup.hpp"

#include <filesystem>
#include <sstream>

#include "harness/machine/proc_file.hpp"

namespace echomux {
namespace {

namespace fs = std::filesystem;

std::optional<std::string> read(const fs::path& root, const fs::path& path) {
  return proc::read_file((root / path.relative_path()).string());
}

// Whether a list such as "cpu,cpuacct" has this name.
bool list_names(std::string_view list, std::string_view name) {
  for (;;) {
    const std::size_t comma = list.find(',');
    if (list.substr(0, comma) == name) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
}

// What a group may use of each period, in microseconds; "max" and -1 are no limit.
std::optional<double> quota_of(const std::string& directory, const fs::path& root,
                               std::string& file) {
  file = directory + "cpu.max";
  double quota = 0;
  double period = 0;
  if (const auto text = read(root, file)) {
    const std::vector<std::string_view> words = proc::words(*text);
    if (words.size() != 2) return std::nullopt;
    quota = static_cast<double>(proc::number<std::int64_t>(words[0]));
    period = static_cast<double>(proc::number<std::int64_t>(words[1]));
  } else {
    file = directory + "cpu.cfs_quota_us";
    const auto number_in = [&](const std::string& name) {
      return static_cast<double>(proc::number<std::int64_t>(read(root, name).value_or("0")));
    };
    quota = number_in(file);
    period = number_in(directory + "cpu.cfs_period_us");
  }
  return quota > 0 && period > 0 ? std::optional(quota / period) : std::nullopt;
}

}  // namespace

// /proc/self/cgroup names the group: "0::/path" is version 2's, "8:pids:/path" version 1's.
std::vector<std::string> group_directories(std::string_view controller, const fs::path& root) {
  std::vector<std::string> directories;
  const fs::path mount = "/sys/fs/cgroup";
  std::istringstream lines(read(root, "/proc/self/cgroup").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    fs::path base = mount / controllers;
    if (controllers.empty()) {
      base = read(root, mount / "cgroup.controllers") ? mount : mount / "unified";
    } else if (!list_names(controllers, controller)) {
      continue;
    }
    for (fs::path path = line.substr(second + 1);; path = path.parent_path()) {
      directories.push_back((base / path.relative_path() / "").string());
      if (path == path.parent_path()) break;
    }
  }
  return directories;
}

std::optional<CpuQuota> cpu_quota(const fs::path& root) {
  std::optional<CpuQuota> tightest;
  for (const std::string& directory : group_directories("cpu", root)) {
    std::string file;
    const std::optional<double> cpus = quota_of(directory, root, file);
    if (cpus && (!tightest || *cpus < tightest->cpus)) tightest = {*cpus, file};
  }
  return tightest;
}

std::optional<std::chrono::nanoseconds> throttled_time(const CpuQuota& quota,
                                                       const fs::path& root) {
  const auto stat = read(root, fs::path(quota.file).parent_path() / "cpu.stat");
  if (!stat) return std::nullopt;
  for (std::istringstream lines(*stat); !lines.eof();) {
    std::string name;
    std::int64_t value = 0;
    if (!(lines >> name >> value)) break;
    if (name == "throttled_usec") return std::chrono::microseconds(value);  // version 2
    if (name == "throttled_time") return std::chrono::nanoseconds(value);   // version 1
  }
  return std::nullopt;
}

}  // namespace echomux
