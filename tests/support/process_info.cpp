#include "tests/support/process_info.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "echo/system_call.hpp"
#include "harness/machine/proc_file.hpp"

namespace echomux {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

fs::path directory_of(pid_t pid) {
  return fs::path("/proc") / std::to_string(pid);
}

std::set<rlim_t> descriptor_numbers(pid_t pid) {
  std::set<rlim_t> numbers;
  for (const auto& entry : fs::directory_iterator(directory_of(pid) / "fd")) {
    numbers.insert(std::stoul(entry.path().filename()));
  }
  return numbers;
}

// The text after "key:" in /proc/PID/status or a thread's; empty when there is none.
std::string field(const fs::path& file, std::string_view key) {
  const std::string text = proc::read_file(file).value_or("");
  return std::string(proc::field(text, key).value_or(""));
}

std::uint64_t memory_field(pid_t pid, std::string_view key) {
  const std::string text = field(directory_of(pid) / "status", key);
  if (text.empty()) throw std::runtime_error("process " + std::to_string(pid) + " is gone");
  return std::stoull(text) * 1024;
}

}  // namespace

std::size_t open_descriptors(pid_t pid) {
  return descriptor_numbers(pid).size();
}

std::size_t free_descriptors(pid_t pid, rlim_t limit) {
  const auto numbers = descriptor_numbers(pid);
  const auto used = std::ranges::count_if(numbers, [&](rlim_t number) { return number < limit; });
  return limit - static_cast<std::size_t>(used);
}

rlim_t lowest_free_descriptor(pid_t pid) {
  const std::set<rlim_t> used = descriptor_numbers(pid);
  rlim_t number = 0;
  while (used.contains(number)) ++number;
  return number;
}

std::uint64_t resident_memory(pid_t pid) {
  return memory_field(pid, "VmRSS");
}

std::uint64_t address_space(pid_t pid) {
  return memory_field(pid, "VmSize");
}

std::uint64_t context_switches(pid_t pid) {
  std::uint64_t sum = 0;
  for (const auto& task : fs::directory_iterator(directory_of(pid) / "task")) {
    const fs::path status = task.path() / "status";
    // A thread may end while they are listed: then its files are gone and count nothing.
    sum += proc::number(field(status, "voluntary_ctxt_switches"));
    sum += proc::number(field(status, "nonvoluntary_ctxt_switches"));
  }
  return sum;
}

std::map<std::string, std::chrono::nanoseconds> waits_for_cpu(pid_t pid) {
  std::map<std::string, std::chrono::nanoseconds> waits;
  for (const auto& task : fs::directory_iterator(directory_of(pid) / "task")) {
    // What it has run, what it has waited, and how often it ran.
    const std::string text = proc::read_file(task.path() / "schedstat").value_or("");
    const auto numbers = proc::words(text);
    if (numbers.size() < 2) continue;
    waits[task.path().filename()] =
        std::chrono::nanoseconds(proc::number<std::int64_t>(numbers[1]));
  }
  return waits;
}

bool is_stopped(pid_t pid) {
  return std::ranges::all_of(
      fs::directory_iterator(directory_of(pid) / "task"),
      [](const auto& task) { return field(task.path() / "status", "State").starts_with('T'); });
}

rlim_t set_soft_limit(pid_t pid, __rlimit_resource resource, rlim_t limit) {
  rlimit limits{};
  check(::prlimit(pid, resource, nullptr, &limits), "prlimit");
  const rlim_t before = std::exchange(limits.rlim_cur, limit);
  check(::prlimit(pid, resource, &limits, nullptr), "prlimit");
  return before;
}

rlim_t raise_own_descriptor_limit() {
  rlimit limits{};
  check(::getrlimit(RLIMIT_NOFILE, &limits), "getrlimit");
  limits.rlim_cur = limits.rlim_max;
  check(::setrlimit(RLIMIT_NOFILE, &limits), "setrlimit");
  return limits.rlim_cur;
}

bool eventually(std::chrono::milliseconds limit, const std::function<bool()>& condition) {
  constexpr std::chrono::milliseconds interval{2};
  const auto deadline = Clock::now() + limit;
  while (!condition()) {
    if (Clock::now() > deadline) return false;
    std::this_thread::sleep_for(interval);
  }
  return true;
}

}  // namespace echomux
