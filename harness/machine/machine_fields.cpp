// A machine's fields: to JSON and back, and how two machines differ in them.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "harness/machine/machine.hpp"
#include "harness/text/words.hpp"
#include "harness/text/json.hpp"

namespace echomux {
namespace {

// Whether a difference in a field is one that differences() tells.
enum class Matters : bool { no, yes };

// Calls visit(key, words, field, matters) for every field of a Limits, const or not.
template <typename L, typename Visit>
void for_each_limit(L& limits, Visit visit) {
  using enum Matters;
  visit("descriptors_soft", "soft limit of descriptors", limits.descriptors_soft, no);
  visit("descriptors_hard", "limit of descriptors", limits.descriptors_hard, yes);
  visit("processes_soft", "limit of processes", limits.processes_soft, yes);
  visit("processes_hard", "hard limit of processes", limits.processes_hard, no);
  visit("nr_open", "fs.nr_open", limits.nr_open, yes);
  visit("file_max", "fs.file-max", limits.file_max, yes);
  visit("threads_max", "kernel.threads-max", limits.threads_max, yes);
  visit("pid_max", "kernel.pid_max", limits.pid_max, yes);
  visit("max_map_count", "vm.max_map_count", limits.max_map_count, yes);
  visit("cgroup_pids", "control group's pids.max", limits.cgroup_pids, yes);
  visit("cgroup_memory_bytes", "control group's memory limit", limits.cgroup_memory_bytes, yes);
  visit("cgroup_pids_file", "file of pids.max", limits.cgroup_pids_file, no);
}

// The same for a Machine.
template <typename M, typename Visit>
void for_each_field(M& machine, Visit visit) {
  using enum Matters;
  visit("kernel", "kernel", machine.kernel, yes);
  visit("distribution", "distribution", machine.distribution, yes);
  visit("architecture", "architecture", machine.architecture, yes);
  visit("cpu_model", "CPU model", machine.cpu_model, yes);
  visit("cpus_online", "number of CPUs", machine.cpus_online, yes);
  visit("cpus_usable", "number of usable CPUs", machine.cpus_usable, yes);
  visit("cpu_mhz", "CPU's frequency", machine.cpu_mhz, no);
  visit("caches", "list of caches", machine.caches, yes);
  visit("memory_bytes", "memory in bytes", machine.memory_bytes, yes);
  visit("memory_available_bytes", "available memory", machine.memory_available_bytes, no);
  visit("swap_bytes", "swap space", machine.swap_bytes, no);
  visit("swap_used_bytes", "used swap space", machine.swap_used_bytes, no);
  visit("cpu_accounting", "accounting of CPU time", machine.cpu_accounting, yes);
  visit("clock_ticks_per_second", "clock ticks per second", machine.clock_ticks_per_second, yes);
  visit("hypervisor", "hypervisor", machine.hypervisor, yes);
  visit("container", "container", machine.container, yes);
  visit("governor", "frequency governor", machine.governor, yes);
  visit("turbo", "turbo", machine.turbo, yes);
  visit("smt", "SMT", machine.smt, yes);
  visit("clocksource", "clock source", machine.clocksource, yes);
  visit("mitigations", "mitigation of", machine.mitigations, yes);
  visit("limits", "", machine.limits, yes);
  visit("sysctls", "sysctl", machine.sysctls, yes);
  visit("load_averages", "load", machine.load_averages, no);
  visit("tasks", "number of tasks", machine.tasks, no);
  visit("files_open", "number of open files", machine.files_open, no);
  visit("root", "user", machine.root, no);
  visit("may_exceed_limits", "privilege", machine.may_exceed_limits, no);
  visit("perf_event_paranoid", "perf_event_paranoid", machine.perf_event_paranoid, no);
  visit("tracepoint", "use of tracepoints", machine.tracepoint, no);
  visit("unavailable", "what is unavailable", machine.unavailable, no);
}

template <typename T>
Json json_of(const T& value) {
  return value;
}

Json json_of(const std::array<double, 3>& values) {
  return std::vector(values.begin(), values.end());
}

Json json_of(const Limits& limits) {
  Json json;
  for_each_limit(limits, [&](const char* key, const char* /*words*/, const auto& field, Matters) {
    json[key] = field;
  });
  return json;
}

template <typename T>
void read_json(const Json& json, T& value) {
  json.get_to(value);
}

void read_json(const Json& json, std::array<double, 3>& values) {
  for (std::size_t i = 0; i < values.size(); ++i) json.at(i).get_to(values[i]);
}

void read_json(const Json& json, Limits& limits) {
  for_each_limit(limits, [&](const char* key, const char* /*words*/, auto& field, Matters) {
    json.at(key).get_to(field);
  });
}

// Equal, or numbers (such as tcp_mem's three) within 1 % of each other: the same machine's memory
// and what the kernel derives from it differ by some pages from start to start.
bool nearly_equal(const std::string& one, const std::string& other) {
  if (one == other) return true;
  std::istringstream ones(one);
  std::istringstream others(other);
  for (std::string left, right;;) {
    const bool more = static_cast<bool>(ones >> left);
    if (more != static_cast<bool>(others >> right)) return false;
    if (!more) return true;
    const auto is_digit = [](unsigned char c) { return std::isdigit(c) != 0; };
    if (!std::ranges::all_of(left, is_digit) || !std::ranges::all_of(right, is_digit)) return false;
    const double a = std::strtod(left.c_str(), nullptr);
    const double b = std::strtod(right.c_str(), nullptr);
    if (std::abs(a - b) > 0.01 * std::max(a, b)) return false;
  }
}

std::string in_words(const std::string& value) {
  return value.empty() ? "none" : value;
}

std::string in_words(std::uint64_t value) {
  return std::to_string(value);
}

std::string in_words(const Limit& value) {
  return value ? std::to_string(*value) : "none";
}

std::string in_words(const std::vector<std::string>& value) {
  return value.empty() ? "none" : joined(value, ", ");
}

// What matters about a machine, as pairs of a name and a value in words.
using Profile = std::vector<std::pair<std::string, std::string>>;

Profile profile_of(const Machine& machine) {
  Profile profile;
  const auto add = [&](const char* /*key*/, const std::string& words, const auto& field,
                       Matters matters) {
    if constexpr (requires { in_words(field); }) {
      if (matters == Matters::yes) profile.emplace_back(words, in_words(field));
    }
  };
  for_each_field(machine,
                 [&](const char* key, const char* words, const auto& field, Matters matters) {
                   using Field = std::remove_cvref_t<decltype(field)>;
                   if constexpr (std::is_same_v<Field, Limits>) {
                     for_each_limit(field, add);
                   } else if constexpr (std::is_same_v<Field, std::map<std::string, std::string>>) {
                     if (matters == Matters::no) return;
                     for (const auto& [name, value] : field)
                       add(key, fmt::format("{} {}", words, name), value, matters);
                   } else {
                     add(key, words, field, matters);
                   }
                 });
  return profile;
}

std::string value_in(const Profile& profile, const std::string& name) {
  const auto found = std::ranges::find(profile, name, &Profile::value_type::first);
  return found == profile.end() ? "not told" : found->second;
}

}  // namespace

Json to_json(const Machine& machine) {
  Json json;
  for_each_field(machine, [&](const char* key, const char* /*words*/, const auto& field, Matters) {
    json[key] = json_of(field);
  });
  return json;
}

Machine machine_from(const Json& json) {
  Machine machine;
  for_each_field(machine, [&](const char* key, const char* /*words*/, auto& field, Matters) {
    read_json(json.at(key), field);
  });
  return machine;
}

std::vector<std::string> differences(const Machine& one, const Machine& other) {
  const Profile ones = profile_of(one);
  Profile all = ones;
  const Profile others = profile_of(other);
  for (const auto& [name, value] : others) {
    if (value_in(ones, name) == "not told") all.emplace_back(name, value);
  }
  std::vector<std::string> sentences;
  for (const auto& [name, ignored] : all) {
    const std::string left = value_in(ones, name);
    const std::string right = value_in(others, name);
    if (nearly_equal(left, right)) continue;
    sentences.push_back(fmt::format("The {} differs: {} against {}.", name, left, right));
  }
  return sentences;
}

}  // namespace echomux
