#include "tests/support/process_info.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "echo/system_call.hpp"
#include "harness/machine/proc_file.hpp"
#include "harness/server/process_state.hpp"

namespace echomux {
namespace {

std::string place_of(pid_t pid, std::string_view entry) {
  return "/proc/" + std::to_string(pid) + "/" + std::string(entry);
}

// What was read of a process, unless it is gone.
template <typename T>
T present(pid_t pid, std::optional<T> value) {
  if (!value) throw std::runtime_error("process " + std::to_string(pid) + " is gone");
  return std::move(*value);
}

// In ascending order.
std::vector<int> descriptor_numbers(pid_t pid) {
  std::vector<int> numbers = proc::numbers_in(place_of(pid, "fd"));
  std::ranges::sort(numbers);
  return numbers;
}

}  // namespace

std::size_t open_descriptors(pid_t pid) {
  return present(pid, read_process_state(pid)).descriptors;
}

std::size_t free_descriptors(pid_t pid, rlim_t limit) {
  const auto used = std::ranges::count_if(descriptor_numbers(pid),
                                          [&](int number) { return std::cmp_less(number, limit); });
  return limit - static_cast<std::size_t>(used);
}

rlim_t lowest_free_descriptor(pid_t pid) {
  rlim_t number = 0;
  for (const int used : descriptor_numbers(pid)) {
    if (std::cmp_equal(used, number)) ++number;
  }
  return number;
}

std::uint64_t resident_memory(pid_t pid) {
  return present(pid, read_process_state(pid)).resident_bytes;
}

std::uint64_t address_space(pid_t pid) {
  const std::string status = present(pid, proc::read_file(place_of(pid, "status")));
  return proc::number(present(pid, proc::field(status, "VmSize"))) * 1024;
}

std::map<int, std::chrono::nanoseconds> waits_for_cpu(pid_t pid) {
  std::map<int, std::chrono::nanoseconds> waits;
  for (const int thread : proc::numbers_in(place_of(pid, "task"))) {
    // What it has run, what it has waited, and how often it ran.
    const std::string text = proc::read_file(place_of(thread, "schedstat")).value_or("");
    const auto numbers = proc::words(text);
    if (numbers.size() < 2) continue;
    waits[thread] = std::chrono::nanoseconds(proc::number<std::int64_t>(numbers[1]));
  }
  return waits;
}

bool is_stopped(pid_t pid) {
  return std::ranges::all_of(proc::numbers_in(place_of(pid, "task")), [](int thread) {
    const std::string status = proc::read_file(place_of(thread, "status")).value_or("");
    return proc::field(status, "State").value_or("").starts_with('T');
  });
}

rlim_t set_soft_limit(pid_t pid, __rlimit_resource resource, rlim_t limit) {
  rlimit limits{};
  check(::prlimit(pid, resource, nullptr, &limits), "prlimit");
  const rlim_t before = std::exchange(limits.rlim_cur, limit);
  check(::prlimit(pid, resource, &limits, nullptr), "prlimit");
  return before;
}

bool eventually(std::chrono::milliseconds limit, const std::function<bool()>& condition) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::milliseconds interval{2};
  const auto deadline = Clock::now() + limit;
  while (!condition()) {
    if (Clock::now() > deadline) return false;
    std::this_thread::sleep_for(interval);
  }
  return true;
}

}  // namespace echomux
