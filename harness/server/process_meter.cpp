#include "harness/server/process_meter.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>

#include "harness/machine/cpu.hpp"
#include "harness/machine/proc_file.hpp"
#include "harness/machine/taken_time.hpp"
#include "harness/text/time_units.hpp"

namespace echomux {
namespace {

using proc::field;
using proc::number;
using proc::numbers_in;
using proc::read_file;
using proc::words;
using std::chrono::nanoseconds;

// A process with more threads than this has its children looked up by a scan of all processes: each
// thread has a list of the children that it started itself, and they would all have to be read.
constexpr std::uint64_t most_lists_of_children = 64;
// Clock ticks from which on the split into user and system time is worth something: at a tick more
// or less on either side it is then off by two in a hundred.
constexpr std::uint64_t enough_ticks = 100;

// What /proc/PID/stat says. Ticks of `ended_*` are those of children that were waited for.
struct Stat {
  pid_t pid = 0;
  pid_t parent = 0;
  char state = 0;
  std::uint64_t user = 0;
  std::uint64_t system = 0;
  std::uint64_t ended_user = 0;
  std::uint64_t ended_system = 0;
  std::uint64_t threads = 0;
  std::uint64_t page_faults = 0;
  std::uint64_t ended_page_faults = 0;

  // A process whose main thread alone has ended is a zombie too, as far as `state` goes.
  [[nodiscard]] bool ended() const {
    return state == 'X' || state == 'x' || (state == 'Z' && threads <= 1);
  }
};

std::optional<Stat> read_stat(pid_t pid) {
  const std::optional<std::string> text = read_file(fmt::format("/proc/{}/stat", pid));
  // The name is in parentheses, and may contain anything, parentheses included.
  const std::size_t name_end = text ? text->rfind(')') : std::string::npos;
  if (name_end == std::string::npos) return std::nullopt;
  const std::vector<std::string_view> rest = words(std::string_view(*text).substr(name_end + 1));
  if (rest.size() < 18) return std::nullopt;
  const auto at = [&](std::size_t field_number) {
    return rest[field_number - 3];
  };  // as in proc(5)
  return Stat{.pid = pid,
              .parent = number<pid_t>(at(4)),
              .state = at(3).front(),
              .user = number(at(14)),
              .system = number(at(15)),
              .ended_user = number(at(16)),
              .ended_system = number(at(17)),
              .threads = number(at(20)),
              .page_faults = number(at(10)) + number(at(12)),
              .ended_page_faults = number(at(11)) + number(at(13))};
}

// Finds the children of processes, in the way that is cheaper for each.
class Children {
 public:
  std::vector<pid_t> of(const Stat& process) {
    if (process.threads > most_lists_of_children) return from_all_processes(process.pid);
    std::vector<pid_t> children;
    bool any_list = false;
    for (const pid_t thread : numbers_in(fmt::format("/proc/{}/task", process.pid))) {
      const auto list = read_file(fmt::format("/proc/{}/task/{}/children", process.pid, thread));
      if (!list) continue;
      any_list = true;
      for (const std::string_view child : words(*list)) children.push_back(number<pid_t>(child));
    }
    // Kernels built without CONFIG_PROC_CHILDREN have no such lists.
    return any_list ? children : from_all_processes(process.pid);
  }

 private:
  std::vector<pid_t> from_all_processes(pid_t parent) {
    if (by_parent_.empty()) {
      for (const pid_t pid : numbers_in("/proc")) {
        if (const std::optional<Stat> stat = read_stat(pid)) by_parent_.emplace(stat->parent, pid);
      }
    }
    std::vector<pid_t> children;
    const auto [begin, end] = by_parent_.equal_range(parent);
    for (auto at = begin; at != end; ++at) children.push_back(at->second);
    return children;
  }

  std::multimap<pid_t, pid_t> by_parent_;
};

// A parent is always read before its children. So a child that its parent waits for in the meantime
// is not yet among the parent's ended ones, and can't be counted twice.
std::vector<Stat> read_tree(pid_t root) {
  std::vector<Stat> tree;
  if (const auto stat = read_stat(root); stat && !stat->ended()) tree.push_back(*stat);
  Children children;
  for (std::size_t i = 0; i < tree.size(); ++i) {
    const Stat parent = tree[i];
    for (const pid_t child : children.of(parent)) {
      const std::optional<Stat> stat = read_stat(child);
      // Another parent means that the number has gone to somebody else by now.
      if (stat && stat->parent == parent.pid) tree.push_back(*stat);
    }
  }
  return tree;
}

nanoseconds from_ticks(std::uint64_t ticks) {
  static const auto per_second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  return nanoseconds(ticks * (std::uint64_t{1'000'000'000} / per_second));
}

std::uint64_t resident_bytes(pid_t pid) {
  static const auto page_size = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const auto text = read_file(fmt::format("/proc/{}/statm", pid));
  const std::vector<std::string_view> pages = words(text ? *text : std::string_view());
  return pages.size() > 1 ? number(pages[1]) * page_size : 0;
}

void add_threads(pid_t pid, ProcessReading& reading, std::set<int>& cpus) {
  for (const pid_t thread : numbers_in(fmt::format("/proc/{}/task", pid))) {
    const std::string directory = fmt::format("/proc/{}/task/{}", pid, thread);
    if (const auto status = read_file(directory + "/status")) {
      const auto switches = [&](const char* key) {
        return number(field(*status, key).value_or(""));
      };
      reading.voluntary_switches += switches("voluntary_ctxt_switches");
      reading.involuntary_switches += switches("nonvoluntary_ctxt_switches");
    }
    reading.run_queue_delay += thread_run_queue_delay(thread).value_or(nanoseconds(0));
    for (const int cpu : usable_cpus(thread)) cpus.insert(cpu);
  }
}

std::uint64_t count_of(const std::map<std::string, std::uint64_t>& counters, const char* name) {
  const auto found = counters.find(name);
  return found == counters.end() ? 0 : found->second;
}

void split_cpu_time(const ProcessReading& begin, const ProcessReading& end, ServerCost& cost) {
  const std::uint64_t user = end.user_ticks - begin.user_ticks;
  const std::uint64_t system = end.system_ticks - begin.system_ticks;
  if (user + system < enough_ticks) {
    cost.unavailable["user_us_per_request"] = cost.unavailable["system_us_per_request"] =
        fmt::format("fewer than {} clock ticks of CPU time can't be split; measure for longer",
                    enough_ticks);
    return;
  }
  // The ticks tell the proportion; the time itself is known better.
  const double user_part = static_cast<double>(user) / static_cast<double>(user + system);
  cost.user_us_per_request = cost.cpu_us_per_request * user_part;
  cost.system_us_per_request = cost.cpu_us_per_request * (1 - user_part);
}

// Why the threads' own figures are missing; empty where they aren't.
std::string why_without_threads(const ProcessReading& begin, const ProcessReading& end,
                                Detail detail) {
  if (detail == Detail::cpu_only) {
    return fmt::format("reading the figures of more than {} threads would disturb the load",
                       most_threads_read);
  }
  const bool shrank = end.voluntary_switches < begin.voluntary_switches ||
                      end.involuntary_switches < begin.involuntary_switches ||
                      end.run_queue_delay < begin.run_queue_delay;
  return shrank ? "threads ended in the window and took their figures along" : "";
}

}  // namespace

void ProcessReading::add(const ProcessReading& other) {
  ProcessReading sum = other;
  sum.cpu += cpu;
  sum.user_ticks += user_ticks;
  sum.system_ticks += system_ticks;
  sum.voluntary_switches += voluntary_switches;
  sum.involuntary_switches += involuntary_switches;
  sum.run_queue_delay += run_queue_delay;
  sum.page_faults += page_faults;
  *this = std::move(sum);
}

std::optional<ProcessReading> read_process_tree(pid_t root, Detail detail, Root kind) {
  std::vector<Stat> tree = read_tree(root);
  if (tree.empty()) return std::nullopt;
  ProcessReading reading;
  if (kind == Root::guardian) {
    const Stat& guardian = tree.front();
    reading.cpu = from_ticks(guardian.ended_user + guardian.ended_system);
    reading.user_ticks = guardian.ended_user;
    reading.system_ticks = guardian.ended_system;
    reading.page_faults = guardian.ended_page_faults;
    tree.erase(tree.begin());
    if (tree.empty()) return std::nullopt;
  }
  std::set<int> cpus;
  for (const Stat& process : tree) {
    reading.cpu += cpu_time_of(process.pid).value_or(from_ticks(process.user + process.system)) +
                   from_ticks(process.ended_user + process.ended_system);
    reading.user_ticks += process.user + process.ended_user;
    reading.system_ticks += process.system + process.ended_system;
    reading.page_faults += process.page_faults + process.ended_page_faults;
    // One that has ended, and waits to be waited for, has used CPU time but is there no more.
    if (process.ended()) continue;
    reading.resident_bytes += resident_bytes(process.pid);
    reading.threads += process.threads;
    ++reading.processes;
    if (detail == Detail::everything) {
      add_threads(process.pid, reading, cpus);
    } else {
      for (const int cpu : usable_cpus(process.pid)) cpus.insert(cpu);
    }
  }
  reading.cpus.assign(cpus.begin(), cpus.end());
  return reading;
}

void divide_by_requests(const ProcessReading& begin, const ProcessReading& end, Detail detail,
                        nanoseconds measured_time, ServerCost& cost) {
  const auto requests = static_cast<double>(cost.requests);
  const nanoseconds cpu = end.cpu - begin.cpu;
  cost.cpu_us_per_request = to_us(cpu) / requests;
  cost.busy_share = to_seconds(cpu) / to_seconds(measured_time);
  split_cpu_time(begin, end, cost);
  const auto per_request = [&](std::uint64_t ProcessReading::*count) {
    return static_cast<double>(end.*count - begin.*count) / requests;
  };
  if (end.page_faults >= begin.page_faults) {
    cost.page_faults_per_request = per_request(&ProcessReading::page_faults);
  } else {
    cost.unavailable["page_faults_per_request"] =
        "processes ended in the window and took their figures along";
  }
  if (const std::string missing = why_without_threads(begin, end, detail); !missing.empty()) {
    for (const char* const figure : {"voluntary_switches_per_request",
                                     "involuntary_switches_per_request", "run_queue_share"}) {
      cost.unavailable[figure] = missing;
    }
    return;
  }
  cost.voluntary_switches_per_request = per_request(&ProcessReading::voluntary_switches);
  cost.involuntary_switches_per_request = per_request(&ProcessReading::involuntary_switches);
  cost.run_queue_share =
      to_seconds(end.run_queue_delay - begin.run_queue_delay) / to_seconds(measured_time);
}

std::optional<double> ServerCost::scanned_per_request() const {
  if (!counters.contains("descriptors_scanned") || requests == 0) return std::nullopt;
  return static_cast<double>(count_of(counters, "descriptors_scanned")) /
         static_cast<double>(requests);
}

std::optional<double> ServerCost::system_calls_per_request() const {
  if (counters.empty() || requests == 0) return std::nullopt;
  std::uint64_t calls = 0;
  for (const char* const name :
       {"waits", "recv_calls", "send_calls", "interest_changes", "accept_calls"}) {
    calls += count_of(counters, name);
  }
  return static_cast<double>(calls) / static_cast<double>(requests);
}

std::vector<pid_t> process_tree(pid_t root, Root kind) {
  std::vector<pid_t> processes;
  for (const Stat& process : read_tree(root)) {
    const bool is_guardian = kind == Root::guardian && process.pid == root;
    if (!process.ended() && !is_guardian) processes.push_back(process.pid);
  }
  return processes;
}

std::optional<std::uint64_t> kernel_memory_bytes() {
  const std::optional<std::string> text = read_file("/proc/meminfo");
  std::uint64_t kib = 0;
  for (const std::string_view kind : {"Slab", "KernelStack", "PageTables"}) {
    const auto value = field(text ? *text : std::string_view(), kind);
    if (!value) return std::nullopt;
    kib += number(*value);
  }
  return kib * 1024;
}

}  // namespace echomux
