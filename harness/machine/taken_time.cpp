#include "harness/machine/taken_time.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "harness/machine/proc_file.hpp"

namespace echomux {

using proc::number;
using proc::read_file;
using proc::words;

namespace {

std::optional<std::chrono::nanoseconds> schedstat_of(pid_t tid, std::size_t place) {
  const auto text = read_file(fmt::format("/proc/{}/schedstat", tid));
  const std::vector<std::string_view> fields = words(text ? *text : std::string_view());
  if (fields.size() <= place) return std::nullopt;
  return std::chrono::nanoseconds(number<std::int64_t>(fields[place]));
}

}  // namespace

std::optional<std::chrono::nanoseconds> thread_run_queue_delay(pid_t tid) {
  return schedstat_of(tid, 1);
}

std::optional<std::chrono::nanoseconds> thread_cpu_time_of(pid_t tid) {
  return schedstat_of(tid, 0);
}

std::vector<CpuShares> read_steal(const std::vector<int>& cpus) {
  const std::optional<std::string> text = read_file("/proc/stat");
  std::string_view rest = text ? *text : std::string_view();
  std::vector<CpuShares> shares;
  while (rest.starts_with("cpu")) {
    const std::size_t end = std::min(rest.find('\n'), rest.size() - 1);
    const std::vector<std::string_view> line = words(rest.substr(0, end));
    rest.remove_prefix(end + 1);
    // The line "cpu" is the sum of those that follow. After the name come user, nice, system, idle,
    // iowait, irq, softirq and steal; what comes then is contained in user and nice.
    if (line.size() < 9 || line[0].size() == 3) continue;
    CpuShares share{.cpu = number<int>(line[0].substr(3)), .steal_ticks = number(line[8])};
    if (std::ranges::find(cpus, share.cpu) == cpus.end()) continue;
    for (std::size_t i = 1; i <= 8; ++i) share.total_ticks += number(line[i]);
    shares.push_back(share);
  }
  return shares;
}

void add_shares(std::vector<CpuShares>& sum, const std::vector<CpuShares>& reading) {
  if (sum.empty()) {
    sum = reading;
    return;
  }
  std::erase_if(sum, [&](CpuShares& share) {
    const auto added = std::ranges::find(reading, share.cpu, &CpuShares::cpu);
    if (added == reading.end()) return true;
    share.steal_ticks += added->steal_ticks;
    share.total_ticks += added->total_ticks;
    return false;
  });
}

double steal_share(const std::vector<CpuShares>& before, const std::vector<CpuShares>& after) {
  double steal = 0;
  double total = 0;
  for (const CpuShares& later : after) {
    const auto earlier = std::ranges::find(before, later.cpu, &CpuShares::cpu);
    if (earlier == before.end()) continue;
    // In doubles, because the kernel lets idle and iowait shrink at times.
    steal += static_cast<double>(later.steal_ticks) - static_cast<double>(earlier->steal_ticks);
    total += static_cast<double>(later.total_ticks) - static_cast<double>(earlier->total_ticks);
  }
  return total > 0 ? std::clamp(steal / total, 0.0, 1.0) : 0;
}

}  // namespace echomux
