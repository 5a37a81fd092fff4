#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/text/field.hpp"

namespace echomux {

class Json;

// A limit on a number of things or bytes; none where nothing limits it, or where the system doesn't
// tell, which Machine::unavailable then says.
using Limit = std::optional<std::uint64_t>;

// What the system lets one process, one user or everybody have.
struct Limits {
  Limit descriptors_soft;  // per process, RLIMIT_NOFILE
  Limit descriptors_hard;
  Limit processes_soft;  // threads count as processes, per user, RLIMIT_NPROC
  Limit processes_hard;
  Limit nr_open;        // fs.nr_open, what descriptors_hard can be raised to
  Limit file_max;       // fs.file-max, open files in the whole system
  Limit threads_max;    // kernel.threads-max, in the whole system
  Limit pid_max;        // kernel.pid_max, a thread takes one of these numbers
  Limit max_map_count;  // vm.max_map_count, memory maps per process
  Limit cgroup_pids;    // the tightest pids.max from this process's control group up to the root
  Limit cgroup_memory_bytes;     // the same of memory.max
  std::string cgroup_pids_file;  // where that pids.max is; empty when there is none
  Limit cgroup_pids_taken;       // of that, at this moment
  Limit epoll_watches;           // fs.epoll.max_user_watches, of one user
  Limit tracked_connections;     // nf_conntrack_max, where connections are tracked
  Limit tracked_connections_taken;
  // Of 127.0.0.1 where that is the only address of the loopback network; none: there are many.
  Limit loopback_ports;

  friend bool operator==(const Limits&, const Limits&) = default;
};

// The title is what differences() calls a field. What changes by itself has none.
template <typename Visit>
void for_each_field(Of<Limits>, Visit visit) {
  visit({"descriptors_soft"}, &Limits::descriptors_soft);
  visit({.name = "descriptors_hard", .title = "limit of descriptors"}, &Limits::descriptors_hard);
  visit({.name = "processes_soft", .title = "limit of processes"}, &Limits::processes_soft);
  visit({"processes_hard"}, &Limits::processes_hard);
  visit({.name = "nr_open", .title = "fs.nr_open"}, &Limits::nr_open);
  visit({.name = "file_max", .title = "fs.file-max"}, &Limits::file_max);
  visit({.name = "threads_max", .title = "kernel.threads-max"}, &Limits::threads_max);
  visit({.name = "pid_max", .title = "kernel.pid_max"}, &Limits::pid_max);
  visit({.name = "max_map_count", .title = "vm.max_map_count"}, &Limits::max_map_count);
  visit({.name = "cgroup_pids", .title = "control group's pids.max"}, &Limits::cgroup_pids);
  visit({.name = "cgroup_memory_bytes", .title = "control group's memory limit"},
        &Limits::cgroup_memory_bytes);
  visit({"cgroup_pids_file"}, &Limits::cgroup_pids_file);
  visit({.name = "cgroup_pids_taken", .since = 4}, &Limits::cgroup_pids_taken);
  visit({.name = "epoll_watches", .since = 5}, &Limits::epoll_watches);
  visit({.name = "tracked_connections", .since = 5}, &Limits::tracked_connections);
  visit({.name = "tracked_connections_taken", .since = 5}, &Limits::tracked_connections_taken);
  visit({.name = "loopback_ports", .since = 5}, &Limits::loopback_ports);
}

// Everything about a machine that a reader needs to judge a measurement made on it. A text is empty
// where there is no such thing; what could not be found out is in `unavailable`.
struct Machine {
  std::string kernel;  // name, release and version, such as uname -srv prints
  std::string distribution;
  std::string architecture;
  std::string cpu_model;
  std::uint64_t cpus_online = 0;
  std::uint64_t cpus_usable = 0;    // by this process's affinity
  std::optional<double> cpu_mhz;    // of the first CPU, at this moment
  std::vector<std::string> caches;  // of the first CPU, such as "L1 Data 48K"
  std::uint64_t memory_bytes = 0;
  std::uint64_t memory_available_bytes = 0;  // the kernel's own estimate
  Limit memory_usable_bytes;                 // see usable_memory_bytes()
  std::uint64_t swap_bytes = 0;
  std::uint64_t swap_used_bytes = 0;

  // How the kernel splits CPU time into user and system: "tick-based …", "full …" or "unknown …".
  std::string cpu_accounting;
  std::uint64_t clock_ticks_per_second = 0;  // the unit of times in /proc/PID/stat
  std::string hypervisor;                    // empty: no sign of one
  std::string container;                     // empty: no sign of one
  std::string cpu_quota;  // of the control group, such as "0.5 CPUs (FILE)"; empty: none
  std::string governor;   // of cpufreq, or "none: no cpufreq"
  std::string turbo;      // "on" or "off"
  std::string smt;        // as the kernel words it, such as "on" or "notsupported"
  std::string clocksource;
  std::map<std::string, std::string> mitigations;  // by vulnerability
  Limits limits;
  std::map<std::string, std::string> sysctls;  // those that TCP on the loopback network depends on

  std::array<double, 3> load_averages{};  // over 1, 5 and 15 minutes
  std::uint64_t tasks = 0;                // processes and threads in the whole system
  std::uint64_t user_tasks = 0;           // those of this user
  std::uint64_t files_open = 0;           // in the whole system

  bool root = false;               // the effective user is root, perhaps in a user namespace
  bool system_root = false;        // and not in one: the kernel's own limits are none for it
  bool may_exceed_limits = false;  // CAP_SYS_RESOURCE: may raise hard limits
  std::optional<int> perf_event_paranoid;
  // Whether this process can count its system calls with perf_event_open(2) on the raw_syscalls
  // tracepoint: "usable", "tracefs is not mounted", "tracefs is not readable" or "not permitted".
  std::string tracepoint;

  // What could not be found out, and because of what.
  std::map<std::string, std::string> unavailable;

  friend bool operator==(const Machine&, const Machine&) = default;
};

template <typename Visit>
void for_each_field(Of<Machine>, Visit visit) {
  visit({.name = "kernel", .title = "kernel"}, &Machine::kernel);
  visit({.name = "distribution", .title = "distribution"}, &Machine::distribution);
  visit({.name = "architecture", .title = "architecture"}, &Machine::architecture);
  visit({.name = "cpu_model", .title = "CPU model"}, &Machine::cpu_model);
  visit({.name = "cpus_online", .title = "number of CPUs"}, &Machine::cpus_online);
  visit({.name = "cpus_usable", .title = "number of usable CPUs"}, &Machine::cpus_usable);
  visit({"cpu_mhz"}, &Machine::cpu_mhz);
  visit({.name = "caches", .title = "list of caches"}, &Machine::caches);
  visit({.name = "memory_bytes", .title = "memory in bytes"}, &Machine::memory_bytes);
  visit({"memory_available_bytes"}, &Machine::memory_available_bytes);
  visit({.name = "memory_usable_bytes", .since = 5}, &Machine::memory_usable_bytes);
  visit({"swap_bytes"}, &Machine::swap_bytes);
  visit({"swap_used_bytes"}, &Machine::swap_used_bytes);
  visit({.name = "cpu_accounting", .title = "accounting of CPU time"}, &Machine::cpu_accounting);
  visit({.name = "clock_ticks_per_second", .title = "clock ticks per second"},
        &Machine::clock_ticks_per_second);
  visit({.name = "hypervisor", .title = "hypervisor"}, &Machine::hypervisor);
  visit({.name = "container", .title = "container"}, &Machine::container);
  visit({.name = "cpu_quota", .title = "CPU quota", .since = 4}, &Machine::cpu_quota);
  visit({.name = "governor", .title = "frequency governor"}, &Machine::governor);
  visit({.name = "turbo", .title = "turbo"}, &Machine::turbo);
  visit({.name = "smt", .title = "SMT"}, &Machine::smt);
  visit({.name = "clocksource", .title = "clock source"}, &Machine::clocksource);
  visit({.name = "mitigations", .title = "mitigation of"}, &Machine::mitigations);
  visit({.name = "limits"}, &Machine::limits);
  visit({.name = "sysctls", .title = "sysctl"}, &Machine::sysctls);
  visit({"load_averages"}, &Machine::load_averages);
  visit({"tasks"}, &Machine::tasks);
  visit({.name = "user_tasks", .since = 4}, &Machine::user_tasks);
  visit({"files_open"}, &Machine::files_open);
  visit({"root"}, &Machine::root);
  visit({.name = "system_root", .since = 5}, &Machine::system_root);
  visit({"may_exceed_limits"}, &Machine::may_exceed_limits);
  visit({"perf_event_paranoid"}, &Machine::perf_event_paranoid);
  visit({"tracepoint"}, &Machine::tracepoint);
  visit({"unavailable"}, &Machine::unavailable);
}

// Asks the machine this runs on; changes nothing on it. /proc, /sys, /etc, /run and /boot are
// looked for below `root`, which only tests set. Never throws for what isn't there.
[[nodiscard]] Machine describe_machine(const std::filesystem::path& root = "/");

// What this machine is called among others (gethostname(2)).
[[nodiscard]] std::string host_name();

[[nodiscard]] Json to_json(const Machine& machine);

// The machine that to_json was given. Throws JsonError when anything is missing or of another type.
[[nodiscard]] Machine machine_from(const Json& json);

// A sentence for each difference that forbids comparing measurements from the two machines without
// a second thought. Not what changes by itself, such as load and available memory; quantities
// within 1 % count as the same.
[[nodiscard]] std::vector<std::string> differences(const Machine& one, const Machine& other);

}  // namespace echomux
