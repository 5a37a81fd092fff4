#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace echomux {

// The directory of the control group that this process is in, and of each group around it, the
// innermost first: what limits a group limits all within it. Of this controller ("pids", "cpu")
// where the groups are of version 1 (cgroups(7)). `root` is another place for /, for tests: what
// is returned doesn't have it.
[[nodiscard]] std::vector<std::string> group_directories(std::string_view controller,
                                                         const std::filesystem::path& root = "/");

// How much CPU time this process's control group may use.
struct CpuQuota {
  double cpus = 0;  // as a number of CPUs: 0.5 is 50 ms in every 100 ms
  std::string file;
};
// The tightest one (cpu.max, or cpu.cfs_quota_us of version 1); none where there is no limit.
[[nodiscard]] std::optional<CpuQuota> cpu_quota(const std::filesystem::path& root = "/");
// How long the group with this quota has been stopped for having used it up, of all its CPUs
// together (cpu.stat); none where the kernel doesn't tell.
[[nodiscard]] std::optional<std::chrono::nanoseconds> throttled_time(
    const CpuQuota& quota, const std::filesystem::path& root = "/");

}  // namespace echomux
