#include "harness/machine/doctor.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "harness/machine/needs.hpp"
#include "harness/text/field_json.hpp"
#include "harness/text/words.hpp"

namespace echomux {
namespace {

// A bench by default: 10,000 idle connections and 10 active ones.
constexpr std::uint64_t bench_connections = 10'010;
// A thread's stack and the guard page before it.
constexpr std::uint64_t maps_per_thread = 2;
constexpr std::uint64_t spare_maps = 128;  // of the program, its libraries and its heaps

// Writes the commands that change a machine, so that they work for who asks.
class Commands {
 public:
  explicit Commands(const Machine& machine) : machine_(machine) {}

  [[nodiscard]] std::string as_root(const std::string& command) const {
    return machine_.root ? command : "sudo " + command;
  }

  [[nodiscard]] std::string sysctl(std::string_view name, const std::string& value) const {
    return as_root(fmt::format("sysctl -w {}={}", name, value));
  }

  // To four times what it is.
  [[nodiscard]] std::string raise(std::string_view name, const Limit& now) const {
    return sysctl(name, std::to_string(now.value_or(0) * 4));
  }

  // Writes `value` to files that only root may write; a redirection would not be sudo's.
  [[nodiscard]] std::string write(std::string_view value, std::string_view files) const {
    return fmt::format("echo {} | {}", value, as_root(fmt::format("tee {}", files)));
  }

  // Raises the calling shell's limit, soft and hard.
  [[nodiscard]] std::string resource(std::string_view prlimit_name, std::string_view ulimit_flag,
                                     std::uint64_t value) const {
    if (machine_.may_exceed_limits) {
      return fmt::format("ulimit -H{0} {1} && ulimit -S{0} {1}", ulimit_flag, value);
    }
    if (!machine_.root) {
      return fmt::format("sudo prlimit --pid $$ --{}={}:{}", prlimit_name, value, value);
    }
    // As in a container: only who starts it can give it more.
    return fmt::format("docker run --ulimit {}={}:{} IMAGE  # this root has no CAP_SYS_RESOURCE",
                       prlimit_name, value, value);
  }

  [[nodiscard]] std::string descriptors() const {
    const std::uint64_t most = machine_.limits.nr_open.value_or(1'048'576);
    const std::uint64_t now = machine_.limits.descriptors_hard.value_or(most);
    if (now < most) return resource("nofile", "n", most);
    // fs.nr_open has to be a multiple of the bits in a word.
    const std::uint64_t more = std::min<std::uint64_t>(now / 64 * 256, 1'073'741'760);
    return sysctl("fs.nr_open", std::to_string(more)) + " && " + resource("nofile", "n", more);
  }

 private:
  const Machine& machine_;
};

// Empty where the system has no such setting.
std::string sysctl_of(const Machine& machine, const std::string& name) {
  const auto found = machine.sysctls.find(name);
  return found == machine.sysctls.end() ? std::string() : found->second;
}

// A limit, none where there is none; what of it is taken already, and what each connection takes.
struct Bound {
  Limit limit;
  std::uint64_t taken;
  std::uint64_t each;
  std::string limited_by;  // "{}" is the limit
  std::string lift;
};

std::vector<Bound> bounds_of_connections(const Machine& machine, const Commands& commands,
                                         std::uint64_t bytes) {
  const Limits& limits = machine.limits;
  return {{limits.descriptors_hard, spare_descriptors, 1, "hard limit of {} descriptors",
           commands.descriptors()},
          // Root is let exceed it; each connection is two open files of the system's.
          {machine.system_root ? std::nullopt : limits.file_max, machine.files_open, 2,
           "fs.file-max {}, two per connection", commands.raise("fs.file-max", limits.file_max)},
          {limits.loopback_ports, 0, 1, "the {} client ports of the only loopback address",
           commands.as_root("ip address add 127.0.0.1/8 dev lo")},
          // One at each end, where both wait with epoll.
          {limits.epoll_watches, 0, 2, "fs.epoll.max_user_watches {}, two per connection",
           commands.raise("fs.epoll.max_user_watches", limits.epoll_watches)},
          {limits.tracked_connections, limits.tracked_connections_taken.value_or(0), 1,
           "connection tracking, nf_conntrack_max {}", ""},
          {machine.memory_usable_bytes, 0, bytes,
           fmt::format("memory, at {} KiB per connection", bytes / 1024), ""}};
}

std::vector<Bound> bounds_of_threads(const Machine& machine, const Commands& commands) {
  const Limits& limits = machine.limits;
  constexpr std::uint64_t plenty = 4'194'304;  // the kernel's own bound for pid_max
  const bool by_itself = limits.processes_hard != limits.processes_soft;
  return {{limits.threads_max, machine.tasks, 1, "kernel.threads-max {}",
           commands.raise("kernel.threads-max", limits.threads_max)},
          {limits.pid_max, machine.tasks + 300, 1,  // 300 are not given out again
           "kernel.pid_max {}", commands.sysctl("kernel.pid_max", std::to_string(plenty))},
          {limits.max_map_count, spare_maps, maps_per_thread, "vm.max_map_count {}, two per thread",
           commands.sysctl("vm.max_map_count", "1048576")},
          {limits.cgroup_pids, limits.cgroup_pids_taken.value_or(machine.tasks), 1,
           "the control group's pids.max {}", commands.write("max", limits.cgroup_pids_file)},
          // Root is let exceed it, but for one of a user namespace.
          {machine.system_root ? std::nullopt : limits.processes_soft, machine.user_tasks, 1,
           "limit of {} processes",
           by_itself ? "ulimit -Su $(ulimit -Hu)" : commands.resource("nproc", "u", 200'000)}};
}

// By the tightest of its bounds; the first of equal ones.
Capacity capacity_of(const ServerTraits& server, const Machine& machine, const Commands& commands) {
  Capacity capacity{server.name, server.max_connections.value_or(~std::uint64_t{0}), server.limit,
                    server.lift};
  std::vector<Bound> bounds = bounds_of_connections(
      machine, commands,
      server.thread_per_connection ? threaded_connection_bytes : connection_bytes);
  if (server.thread_per_connection) {
    std::ranges::move(bounds_of_threads(machine, commands), std::back_inserter(bounds));
  }
  for (const Bound& bound : bounds) {
    if (!bound.limit) continue;
    const std::uint64_t connections =
        (*bound.limit - std::min(*bound.limit, bound.taken)) / bound.each;
    if (connections >= capacity.max_connections) continue;
    capacity = {server.name, connections, fmt::format(fmt::runtime(bound.limited_by), *bound.limit),
                bound.lift};
  }
  return capacity;
}

class Observer {
 public:
  explicit Observer(const Machine& machine) : machine_(machine), commands_(machine) {}

  std::vector<Observation> observe(const std::vector<Capacity>& backends,
                                   const std::vector<ServerTraits>& servers) {
    observe_proc();
    observe_connections(backends, servers);
    observe_cpus();
    observe_hypervisor();
    observe_frequency();
    observe_load();
    observe_clocks();
    observe_tracepoint();
    observe_network();
    observe_swap();
    return std::move(observations_);
  }

 private:
  void tell(Level level, std::string what, std::string sentence, std::string command = {}) {
    observations_.push_back({level, std::move(what), std::move(sentence), std::move(command)});
  }

  void observe_proc() {
    const auto found = machine_.unavailable.find("proc");
    if (found != machine_.unavailable.end()) {
      tell(Level::limit, "proc", fmt::format("No server can be measured: {}.", found->second));
    }
  }

  void observe_connections(const std::vector<Capacity>& backends,
                           const std::vector<ServerTraits>& servers) {
    bool enough = true;
    for (std::size_t i = 0; i < backends.size(); ++i) {
      const Capacity& capacity = backends[i];
      // What a server can't do anywhere is its lesson.
      if (capacity.max_connections >= bench_connections ||
          capacity.max_connections == servers[i].max_connections) {
        continue;
      }
      enough = false;
      tell(Level::limit, "connections",
           fmt::format("{} gets {} connections here, a bench asks for {}: {}.", capacity.backend,
                       capacity.max_connections, bench_connections, capacity.limited_by),
           capacity.lift);
    }
    if (!enough) return;
    tell(Level::ok, "connections",
         fmt::format("No limit of this machine is below the {} connections of a bench.",
                     bench_connections));
  }

  void observe_cpus() {
    if (machine_.cpus_usable < 2) {
      tell(Level::note, "cpus",
           fmt::format("Server and client share {} CPU of {}, so latencies include the client's "
                       "turns.",
                       machine_.cpus_usable, machine_.cpus_online),
           machine_.cpus_online < 2
               ? ""
               : fmt::format("taskset -p -c 0-{} $$", machine_.cpus_online - 1));
    } else {
      tell(
          Level::ok, "cpus",
          fmt::format("{} CPUs, one for the server and one for the client.", machine_.cpus_usable));
    }
    if (!machine_.cpu_quota.empty()) {
      tell(Level::note, "cpu_quota",
           fmt::format("The control group may use {}: what goes beyond is stopped for the rest of "
                       "each period, and latencies are the quota's; give it more, such as with "
                       "docker run --cpus {}.",
                       machine_.cpu_quota, machine_.cpus_usable));
    }
    if (machine_.smt == "on") {
      tell(Level::note, "smt",
           "Two logical CPUs may be one core, whose speed then depends on what the other does.",
           commands_.write("off", "/sys/devices/system/cpu/smt/control"));
    }
  }

  void observe_hypervisor() {
    if (machine_.hypervisor.empty()) {
      tell(Level::ok, "hypervisor", "No sign of a virtual machine.");
    } else {
      tell(Level::note, "hypervisor",
           fmt::format("A virtual machine, {}, which loses its CPU to others for milliseconds at "
                       "a time: compare medians, not p99.",
                       machine_.hypervisor));
    }
  }

  void observe_frequency() {
    if (machine_.governor == "performance") {
      tell(Level::ok, "governor", "The frequency governor is performance.");
    } else if (machine_.governor.starts_with("none")) {
      tell(Level::note, "governor",
           "The system has no say in the CPU's frequency (no cpufreq), so nothing holds it still.");
    } else {
      tell(Level::note, "governor",
           fmt::format("The frequency governor is {}: a server that sleeps much is measured on a "
                       "slower CPU.",
                       machine_.governor),
           commands_.write("performance", "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"));
    }
  }

  void observe_load() {
    const double load = machine_.load_averages[0];
    const auto cpus = static_cast<double>(std::max<std::uint64_t>(machine_.cpus_usable, 1));
    const bool high = load / cpus > 0.5;
    tell(high ? Level::note : Level::ok, "load",
         fmt::format("The load average is {:.2f} on {} usable CPUs{}", load, machine_.cpus_usable,
                     high ? ": others compete for them; wait until it is below 0.5 per CPU." : "."),
         high ? "uptime" : "");
  }

  void observe_clocks() {
    const std::string& accounting = machine_.cpu_accounting;
    if (accounting.starts_with("full")) {
      tell(Level::ok, "accounting", fmt::format("Accounting of CPU time is {}.", accounting));
    } else {
      tell(Level::note, "accounting",
           fmt::format("Accounting of CPU time is {}: the sum of user and system time is exact, "
                       "the split between them an estimate.",
                       accounting));
    }
    constexpr std::array slow{"hpet", "acpi_pm", "jiffies", "refined-jiffies", "xen", "pit"};
    if (std::ranges::find(slow, machine_.clocksource) != slow.end()) {
      tell(Level::note, "clocksource",
           fmt::format("The clock source is {}: to ask the time takes a system call.",
                       machine_.clocksource),
           commands_.write("tsc",
                           "/sys/devices/system/clocksource/clocksource0/current_clocksource"));
    }
  }

  // What it takes to count system calls from outside: the tracepoint's number, which is in tracefs,
  // and the right to watch the kernel, because the tracepoint is in it.
  void observe_tracepoint() {
    const std::string& tracepoint = machine_.tracepoint;
    if (tracepoint == "usable") {
      tell(Level::ok, "perf", "The raw_syscalls tracepoint can be counted.");
      return;
    }
    std::vector<std::string> steps;
    if (tracepoint == "not permitted" && machine_.system_root) {
      steps.emplace_back(
          "docker run --cap-add PERFMON --security-opt seccomp=unconfined IMAGE  # the kernel "
          "refuses it even to this root");
    }
    const std::string access = machine_.root ? "" : "-o mode=750,gid=$(id -g) ";
    if (tracepoint == "tracefs is not mounted") {
      steps.push_back(
          commands_.as_root(fmt::format("mount -t tracefs {}tracefs /sys/kernel/tracing", access)));
    } else if (tracepoint == "tracefs is not readable" && !machine_.root) {
      steps.push_back(
          commands_.as_root("mount -o remount,mode=750,gid=$(id -g) /sys/kernel/tracing"));
    }
    if (!machine_.root && machine_.perf_event_paranoid.value_or(2) > 1) {
      steps.push_back(commands_.sysctl("kernel.perf_event_paranoid", "1"));
    }
    tell(Level::note, "perf",
         fmt::format("System calls can't be counted from outside by the raw_syscalls tracepoint: "
                     "{}.",
                     tracepoint),
         joined(steps, " && "));
  }

  void observe_network() {
    const auto value = [&](const char* name) { return sysctl_of(machine_, name); };
    const std::string backlog = value("net.core.somaxconn");
    if (!backlog.empty() && std::strtoull(backlog.c_str(), nullptr, 10) < opened_at_once) {
      tell(Level::note, "somaxconn",
           fmt::format("net.core.somaxconn is {}: of {} connections opened at once, those that "
                       "don't fit in the backlog are tried again a second later.",
                       backlog, opened_at_once),
           commands_.sysctl("net.core.somaxconn", "4096"));
    }
    for (const char* const name : {"net.core.busy_poll", "net.core.busy_read"}) {
      if (value(name).empty() || value(name) == "0") continue;
      tell(Level::note, "busy_poll",
           fmt::format("{} is {}: waiting calls may spin before they sleep.", name, value(name)),
           commands_.sysctl(name, "0"));
    }
    if (value("vm.overcommit_memory") == "2") {
      tell(Level::note, "overcommit",
           "vm.overcommit_memory is 2: each thread's stack counts in full (8 MiB), so threaded "
           "carries fewer connections than said above.",
           commands_.sysctl("vm.overcommit_memory", "0"));
    }
  }

  void observe_swap() {
    if (machine_.swap_used_bytes == 0) return;
    tell(Level::note, "swap",
         fmt::format("{} MiB are swapped out: a server whose pages are among them waits for the "
                     "disk.",
                     machine_.swap_used_bytes / 1'048'576),
         commands_.as_root("swapoff -a"));
  }

  const Machine& machine_;
  Commands commands_;
  std::vector<Observation> observations_;
};

}  // namespace

std::string_view to_string(Level level) noexcept {
  return word_of(level, {"ok", "note", "limit"});
}

Diagnosis diagnose(const Machine& machine, const std::vector<ServerTraits>& servers) {
  const Commands commands(machine);
  Diagnosis diagnosis;
  for (const ServerTraits& server : servers) {
    diagnosis.backends.push_back(capacity_of(server, machine, commands));
  }
  diagnosis.observations = Observer(machine).observe(diagnosis.backends, servers);
  return diagnosis;
}

Json to_json(const Machine& machine, const Diagnosis& diagnosis) {
  return {{"machine", to_json(machine)},
          {"backends", json_of(diagnosis.backends)},
          {"observations", json_of(diagnosis.observations)}};
}

}  // namespace echomux
