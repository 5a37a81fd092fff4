#include "harness/machine/machine.hpp"

#include <fmt/core.h>
#include <limits.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>

#include "echo/system_call.hpp"
#include "harness/machine/cgroup.hpp"
#include "harness/machine/cpu.hpp"
#include "harness/machine/cpu_accounting.hpp"
#include "harness/machine/loopback.hpp"
#include "harness/machine/memory.hpp"
#include "harness/machine/proc_file.hpp"
#include "harness/machine/tracepoint.hpp"

namespace echomux {
namespace {

namespace fs = std::filesystem;

constexpr std::array sysctl_names{"net.core.somaxconn",
                                  "net.core.busy_poll",
                                  "net.core.busy_read",
                                  "net.core.rmem_max",
                                  "net.core.wmem_max",
                                  "net.ipv4.ip_local_port_range",
                                  "net.ipv4.tcp_congestion_control",
                                  "net.ipv4.tcp_max_syn_backlog",
                                  "net.ipv4.tcp_mem",
                                  "net.ipv4.tcp_rmem",
                                  "net.ipv4.tcp_syncookies",
                                  "net.ipv4.tcp_tw_reuse",
                                  "net.ipv4.tcp_wmem",
                                  "vm.overcommit_memory"};

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end == text.data()) return std::nullopt;
  return value;
}

// The value of `key` in lines such as "key : value" or "KEY=value"; empty when there is none.
std::string value_of(const std::string& lines, std::string_view key, char separator = ':') {
  return std::string(proc::field(lines, key, separator).value_or(""));
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// Collects a Machine; each step fills in the fields of one subject.
class Inquiry {
 public:
  explicit Inquiry(fs::path root) : root_(std::move(root)) {}

  Machine answer() {
    if (root_ == "/") {
      if (std::string why = proc::why_unusable(); !why.empty()) {
        machine_.unavailable["proc"] = std::move(why);
      }
    }
    describe_system();
    describe_cpus();
    describe_memory();
    describe_cpu_accounting();
    describe_hypervisor();
    describe_container();
    if (const auto quota = cpu_quota(root_)) {
      machine_.cpu_quota = fmt::format("{:g} CPUs ({})", quota->cpus, quota->file);
    }
    describe_frequency();
    describe_mitigations();
    describe_limits();
    describe_cgroup();
    describe_sysctls();
    describe_load();
    describe_privileges();
    describe_tracepoint();
    return std::move(machine_);
  }

 private:
  [[nodiscard]] fs::path place(std::string_view path) const {
    return root_ / fs::path(path).relative_path();
  }

  // The whole file without white space around it; none, and why in error_, when it can't be read.
  std::optional<std::string> read(std::string_view path) {
    const std::optional<std::string> text = proc::read_file(place(path));
    if (text) return std::string(proc::trimmed(*text));
    error_ = fmt::format("{}: {}", path, error_text(errno));
    return std::nullopt;
  }

  // The same, for what is recorded as unavailable when it can't be read.
  std::string read_or_tell(const std::string& what, std::string_view path) {
    std::optional<std::string> text = read(path);
    if (!text) machine_.unavailable[what] = error_;
    return text.value_or("");
  }

  Limit read_limit(const std::string& what, std::string_view path) {
    const Limit limit = parse_number(read_or_tell(what, path));
    if (!limit) machine_.unavailable.try_emplace(what, fmt::format("{} is not a number", path));
    return limit;
  }

  void describe_system() {
    utsname system{};
    ::uname(&system);
    release_ = system.release;
    machine_.kernel = fmt::format("{} {} {}", system.sysname, system.release, system.version);
    machine_.architecture = system.machine;
    const std::string release = read_or_tell("distribution", "/etc/os-release");
    machine_.distribution = value_of(release, "PRETTY_NAME", '=');
    std::erase(machine_.distribution, '"');
    machine_.clocksource = read_or_tell(
        "clocksource", "/sys/devices/system/clocksource/clocksource0/current_clocksource");
  }

  void describe_cpus() {
    cpuinfo_ = read_or_tell("cpu_model", "/proc/cpuinfo");
    machine_.cpu_model = value_of(cpuinfo_, "model name");
    if (machine_.cpu_model.empty()) {
      machine_.cpu_model = machine_.architecture;
      machine_.unavailable.try_emplace("cpu_model", "/proc/cpuinfo has no model name");
    }
    machine_.cpus_online = static_cast<std::uint64_t>(::sysconf(_SC_NPROCESSORS_ONLN));
    machine_.cpus_usable = usable_cpus().size();
    const std::string mhz = value_of(cpuinfo_, "cpu MHz");
    if (!mhz.empty()) machine_.cpu_mhz = std::strtod(mhz.c_str(), nullptr);
    if (!machine_.cpu_mhz) machine_.unavailable["cpu_mhz"] = "/proc/cpuinfo doesn't tell";
    for (int index = 0;; ++index) {
      const std::string cache = fmt::format("/sys/devices/system/cpu/cpu0/cache/index{}/", index);
      const auto level = read(cache + "level");
      const auto type = read(cache + "type");
      const auto size = read(cache + "size");
      if (!level || !type || !size) break;
      machine_.caches.push_back(fmt::format("L{} {} {}", *level, *type, *size));
    }
    if (machine_.caches.empty()) machine_.unavailable["caches"] = error_;
  }

  void describe_memory() {
    const std::string meminfo = read_or_tell("memory_bytes", "/proc/meminfo");
    const auto bytes = [&](std::string_view key) {
      return parse_number(value_of(meminfo, key)).value_or(0) * 1024;
    };
    machine_.memory_bytes = bytes("MemTotal");
    machine_.memory_available_bytes = bytes("MemAvailable");
    machine_.memory_usable_bytes = usable_memory_bytes(root_);
    machine_.swap_bytes = bytes("SwapTotal");
    machine_.swap_used_bytes = machine_.swap_bytes - bytes("SwapFree");
  }

  void describe_cpu_accounting() {
    machine_.clock_ticks_per_second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
    CpuAccounting found = cpu_accounting(root_, release_);
    machine_.cpu_accounting = std::move(found.words);
    if (!found.why_unknown.empty()) machine_.unavailable["cpu_accounting"] = found.why_unknown;
  }

  void describe_hypervisor() {
    for (const std::string_view name : {"sys_vendor", "product_name", "bios_vendor"}) {
      const std::string text = read(fmt::format("/sys/class/dmi/id/{}", name)).value_or("");
      for (const std::string_view maker :
           {"QEMU", "KVM", "VMware", "VirtualBox", "innotek", "Xen", "Amazon EC2", "Bochs",
            "Google Compute Engine", "Virtual Machine", "Parallels", "OpenStack", "BHYVE",
            "Hetzner", "DigitalOcean"}) {
        if (contains(text, maker)) machine_.hypervisor = text;
      }
      if (!machine_.hypervisor.empty()) break;
    }
    // A physical server of that maker says so too; the CPU knows better.
    const std::string flags = " " + value_of(cpuinfo_, "flags") + " ";
    const bool x86 = flags.size() > 2;
    const bool flagged = contains(flags, " hypervisor ");
    if (x86 && !flagged && contains(machine_.hypervisor, "Amazon EC2")) machine_.hypervisor.clear();
    if (machine_.hypervisor.empty()) {
      machine_.hypervisor = read("/sys/hypervisor/type").value_or("");
    }
    if (!machine_.hypervisor.empty()) return;
    if (contains(read("/proc/version").value_or(""), "icrosoft")) {
      machine_.hypervisor = "Windows Subsystem for Linux";
    } else if (flagged) {
      machine_.hypervisor = "of unknown make (the CPU has the flag \"hypervisor\")";
    }
  }

  void describe_container() {
    const std::string groups = read("/proc/1/cgroup").value_or("");
    std::error_code ignored;
    // Of all numbers of users, as outside of any.
    const auto users = proc::words(users_ = read("/proc/self/uid_map").value_or(""));
    in_user_namespace_ = users.size() >= 3 && users[2] != "4294967295";
    if (fs::exists(place("/run/.containerenv"), ignored)) {
      machine_.container = "podman (/run/.containerenv is there)";
    } else if (fs::exists(place("/.dockerenv"), ignored)) {
      machine_.container = "docker (/.dockerenv is there)";
    } else if (const auto manager = read("/run/systemd/container"); manager && !manager->empty()) {
      machine_.container = *manager;
    } else if (contains(groups, "docker") || contains(groups, "kubepods") ||
               contains(groups, "lxc")) {
      machine_.container = "of unknown make (by the control group of process 1)";
    } else if (in_user_namespace_) {
      machine_.container = "a user namespace (by /proc/self/uid_map)";
    }
  }

  void describe_frequency() {
    const std::string cpufreq = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor";
    machine_.governor = read(cpufreq).value_or("none: no cpufreq");
    if (const auto no_turbo = read("/sys/devices/system/cpu/intel_pstate/no_turbo")) {
      machine_.turbo = *no_turbo == "0" ? "on" : "off";
    } else if (const auto boost = read("/sys/devices/system/cpu/cpufreq/boost")) {
      machine_.turbo = *boost == "1" ? "on" : "off";
    } else {
      machine_.unavailable["turbo"] = error_;
    }
    machine_.smt = read_or_tell("smt", "/sys/devices/system/cpu/smt/control");
  }

  void describe_mitigations() {
    const std::string_view directory = "/sys/devices/system/cpu/vulnerabilities";
    std::error_code error;
    for (fs::directory_iterator it(place(directory), error), end; !error && it != end;
         it.increment(error)) {
      const std::string name = it->path().filename();
      if (auto text = read(fmt::format("{}/{}", directory, name))) {
        machine_.mitigations[name] = std::move(*text);
      }
    }
    if (error) {
      machine_.unavailable["mitigations"] = fmt::format("{}: {}", directory, error.message());
    }
  }

  void describe_limits() {
    const auto ask = [](auto resource, Limit& soft, Limit& hard) {
      rlimit limit{};
      if (::getrlimit(resource, &limit) != 0) return;
      if (limit.rlim_cur != RLIM_INFINITY) soft = limit.rlim_cur;
      if (limit.rlim_max != RLIM_INFINITY) hard = limit.rlim_max;
    };
    Limits& limits = machine_.limits;
    ask(RLIMIT_NOFILE, limits.descriptors_soft, limits.descriptors_hard);
    ask(RLIMIT_NPROC, limits.processes_soft, limits.processes_hard);
    limits.nr_open = read_limit("nr_open", "/proc/sys/fs/nr_open");
    limits.file_max = read_limit("file_max", "/proc/sys/fs/file-max");
    limits.threads_max = read_limit("threads_max", "/proc/sys/kernel/threads-max");
    limits.pid_max = read_limit("pid_max", "/proc/sys/kernel/pid_max");
    limits.max_map_count = read_limit("max_map_count", "/proc/sys/vm/max_map_count");
    limits.epoll_watches = parse_number(read("/proc/sys/fs/epoll/max_user_watches").value_or(""));
    if (const auto tracking = connection_tracking(root_)) {
      limits.tracked_connections = tracking->most;
      limits.tracked_connections_taken = tracking->taken;
    }
    if (root_ == "/" && !has_whole_loopback()) limits.loopback_ports = client_ports();
  }

  void describe_cgroup() {
    if (!read("/proc/self/cgroup")) {
      machine_.unavailable["cgroup"] = error_;
      return;
    }
    Limits& limits = machine_.limits;
    for (const std::string& directory : group_directories("pids", root_)) {
      // "max" is not a number.
      const Limit pids = parse_number(read(directory + "pids.max").value_or(""));
      if (pids && *pids < limits.cgroup_pids.value_or(~std::uint64_t{0})) {
        limits.cgroup_pids = pids;
        limits.cgroup_pids_file = directory + "pids.max";
        limits.cgroup_pids_taken = parse_number(read(directory + "pids.current").value_or(""));
      }
    }
    for (const std::string& directory : group_directories("memory", root_)) {
      for (const char* const name : {"memory.max", "memory.limit_in_bytes"}) {
        const Limit memory = parse_number(read(directory + name).value_or(""));
        // Version 1 says that there is none with a number near 2^63.
        if (memory && *memory < limits.cgroup_memory_bytes.value_or(std::uint64_t{1} << 62)) {
          limits.cgroup_memory_bytes = memory;
        }
      }
    }
  }

  void describe_sysctls() {
    for (const std::string name : sysctl_names) {
      std::string path = "/proc/sys/" + name;
      std::replace(path.begin() + 10, path.end(), '.', '/');
      if (auto text = read(path)) {
        std::ranges::replace(*text, '\t', ' ');
        machine_.sysctls[name] = std::move(*text);
      } else {
        machine_.unavailable[name] = error_;
      }
    }
  }

  void describe_load() {
    std::istringstream load(read_or_tell("load_averages", "/proc/loadavg"));
    for (double& average : machine_.load_averages) load >> average;
    load.ignore(std::numeric_limits<std::streamsize>::max(), '/');  // running/all
    load >> machine_.tasks;
    for (const int pid : proc::numbers_in(place("/proc"))) {
      const std::string directory = place("/proc") / std::to_string(pid);
      struct stat owner {};
      if (::stat(directory.c_str(), &owner) != 0 || owner.st_uid != ::getuid()) continue;
      machine_.user_tasks += proc::numbers_in(directory + "/task").size();
    }
    machine_.files_open = proc::number(read_or_tell("files_open", "/proc/sys/fs/file-nr"));
  }

  void describe_privileges() {
    constexpr int cap_sys_resource = 24;  // capabilities(7)
    machine_.root = ::geteuid() == 0;
    machine_.system_root = machine_.root && !in_user_namespace_;
    const std::string status = read_or_tell("may_exceed_limits", "/proc/self/status");
    const std::string capabilities = value_of(status, "CapEff");
    // Within a user namespace that capability is good for nothing of the system's
    // (capabilities(7)).
    machine_.may_exceed_limits =
        !in_user_namespace_ &&
        (std::strtoull(capabilities.c_str(), nullptr, 16) >> cap_sys_resource & 1) != 0;
    const std::string level =
        read_or_tell("perf_event_paranoid", "/proc/sys/kernel/perf_event_paranoid");
    if (!level.empty()) machine_.perf_event_paranoid = std::atoi(level.c_str());  // NOLINT
  }

  void describe_tracepoint() {
    // It needs no mounted tracefs where this process may have one of its own.
    if (root_ == "/" && !system_calls_uncountable()) {
      machine_.tracepoint = "usable";
      return;
    }
    bool mounted = false;
    for (const std::string directory : {"/sys/kernel/tracing/", "/sys/kernel/debug/tracing/"}) {
      const auto text = read(directory + "events/raw_syscalls/sys_enter/id");
      if (text && parse_number(*text)) {
        machine_.tracepoint = system_calls_uncountable() ? "not permitted" : "usable";
        return;
      }
      // Without permission to look inside, the error is another than for a directory without files.
      mounted = mounted || text || contains(error_, "denied");
    }
    machine_.tracepoint = mounted ? "tracefs is not readable" : "tracefs is not mounted";
    // That of a tracefs mounted nowhere will do; then it is the counting that is refused.
    if (root_ == "/" && is_tracepoint_known()) machine_.tracepoint = "not permitted";
  }

  fs::path root_;
  Machine machine_;
  std::string release_;
  std::string cpuinfo_;
  std::string users_;
  bool in_user_namespace_ = false;
  std::string error_;
};

}  // namespace

std::string host_name() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  return ::gethostname(name.data(), name.size()) == 0 ? name.data() : "unknown";
}

Machine describe_machine(const std::filesystem::path& root) {
  return Inquiry(root).answer();
}

}  // namespace echomux
