// Runs a command in an environment that this machine isn't: enter WORD… -- COMMAND…
// Exit status: the command's; 77 where such an environment can't be had here, with the reason on
// stderr; 70 for a word that is none. Changes nothing outside: namespaces, filters and limits end
// with the command, and the control group is removed after it.
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "echo/file_descriptor.hpp"
#include "echo/system_call.hpp"

namespace {

using echomux::check;
using echomux::FileDescriptor;
namespace fs = std::filesystem;

constexpr int cannot = 77;
constexpr int misunderstood = 70;  // a word that is none, or a command that can't be run

void write_file(const fs::path& path, const std::string& text) {
  std::ofstream file(path);
  file << text << std::flush;
  if (!file) throw std::runtime_error("cannot write '" + text + "' to " + path.string());
}

// What stands before and after the first of this character.
std::pair<std::string, std::string> split(const std::string& text, char separator) {
  const std::size_t at = text.find(separator);
  if (at == std::string::npos) throw std::runtime_error("there is no " + std::string(1, separator));
  return {text.substr(0, at), text.substr(at + 1)};
}

// --- namespaces ---

void own_mounts() {
  check(::unshare(CLONE_NEWNS), "unshare CLONE_NEWNS");
  check(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "mount MS_PRIVATE");
}

void hide(const std::string& folder) {
  own_mounts();
  check(::mount("tmpfs", folder.c_str(), "tmpfs", 0, "size=64k"), "mount tmpfs");
}

// "/proc/meminfo:MemTotal: 1 kB": another text in the place of the system's file.
void replace_file(const std::string& file_and_text) {
  const auto [file, text] = split(file_and_text, ':');
  own_mounts();
  std::string other = (fs::temp_directory_path() / "echomux-file-XXXXXX").string();
  const FileDescriptor created(check(::mkstemp(other.data()), "mkstemp"));
  write_file(other, text.empty() ? "" : text + "\n");
  check(::mount(other.c_str(), file.c_str(), nullptr, MS_BIND, nullptr), "mount MS_BIND");
  fs::remove(other);
}

void own_network(const std::string& up) {
  check(::unshare(CLONE_NEWNET), "unshare CLONE_NEWNET");
  if (up == "down") return;
  const FileDescriptor socket(check(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket"));
  ifreq request{};
  std::memcpy(request.ifr_name, "lo", sizeof "lo");
  check(::ioctl(socket.get(), SIOCGIFFLAGS, &request), "ioctl SIOCGIFFLAGS");
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  check(::ioctl(socket.get(), SIOCSIFFLAGS, &request), "ioctl SIOCSIFFLAGS");
  if (up != "one-address") return;
  auto* const mask = reinterpret_cast<sockaddr_in*>(&request.ifr_netmask);
  mask->sin_family = AF_INET;
  mask->sin_addr.s_addr = htonl(INADDR_BROADCAST);
  check(::ioctl(socket.get(), SIOCSIFNETMASK, &request), "ioctl SIOCSIFNETMASK");
}

void own_users(const std::string& /*none*/) {
  const std::string uid = std::to_string(::getuid());
  const std::string gid = std::to_string(::getgid());
  check(::unshare(CLONE_NEWUSER), "unshare CLONE_NEWUSER");
  write_file("/proc/self/setgroups", "deny");
  write_file("/proc/self/uid_map", "0 " + uid + " 1");
  write_file("/proc/self/gid_map", "0 " + gid + " 1");
}

// Of the group of nobody, by which the tests share their folders.
void become_user(unsigned user) {
  constexpr unsigned group = 65534;
  check(::setgroups(0, nullptr), "setgroups");
  check(::setresgid(group, group, group), "setresgid");
  check(::setresuid(user, user, user), "setresuid");
}

void become_nobody(const std::string& /*none*/) {
  become_user(65534);
}

// As sudo does it: for a copy of this program that belongs to root and has the set-user-ID bit.
void become_root(const std::string& /*none*/) {
  check(::setresuid(0, 0, 0), "setresuid");
}

// --- limits ---

void limit(const std::string& what_and_value) {
  static const std::map<std::string, int> limits{
      {"nofile", RLIMIT_NOFILE}, {"nproc", RLIMIT_NPROC},           {"fsize", RLIMIT_FSIZE},
      {"stack", RLIMIT_STACK},   {"sigpending", RLIMIT_SIGPENDING}, {"as", RLIMIT_AS}};
  const auto [what, value] = split(what_and_value, ':');
  const rlim_t number = value == "unlimited" ? RLIM_INFINITY : std::stoull(value);
  const rlimit both{number, number};
  check(::setrlimit(static_cast<__rlimit_resource>(limits.at(what)), &both), "setrlimit");
}

void use_cpu(const std::string& cpu) {
  cpu_set_t set{};
  CPU_SET(std::stoul(cpu), &set);
  check(::sched_setaffinity(0, sizeof set, &set), "sched_setaffinity");
}

fs::path own_group;  // to be removed

// "pids:pids.max:60", of version 1 of control groups: in version 2 a group of somebody else's may
// be divided by that one alone.
void own_control_group(const std::string& what) {
  const auto [controller, file_and_value] = split(what, ':');
  const auto [file, value] = split(file_and_value, ':');
  fs::path folder = fs::path("/sys/fs/cgroup") / controller;
  if (!fs::exists(folder / "tasks")) {
    throw std::runtime_error("there is no control group of version 1 for " + controller);
  }
  own_group = folder / ("echomux-test-" + std::to_string(::getpid()));
  fs::create_directory(own_group);
  write_file(own_group / file, value);
}

// --- refused calls ---

// "perf_event_open", or "netlink", which is socket(2) for that family; with ":ENOSYS" as if the
// kernel were older.
void refuse(const std::string& name_and_error) {
  const std::string name = name_and_error.substr(0, name_and_error.find(':'));
  const unsigned error = name_and_error.ends_with(":ENOSYS") ? ENOSYS : EPERM;
  static const std::map<std::string, unsigned> calls{{"perf_event_open", SYS_perf_event_open},
                                                     {"epoll_pwait2", 441},  // of newer headers
                                                     {"sched_setscheduler", SYS_sched_setscheduler},
                                                     {"sched_setaffinity", SYS_sched_setaffinity},
                                                     {"sched_getaffinity", SYS_sched_getaffinity},
                                                     {"pidfd_open", 434},
                                                     {"close_range", 436},
                                                     {"rt_sigqueueinfo", SYS_rt_sigqueueinfo},
                                                     {"memfd_create", SYS_memfd_create},
                                                     {"accept4", SYS_accept4},
                                                     {"netlink", SYS_socket}};
  const unsigned number = calls.at(name);
  const auto whole = [](unsigned short code, unsigned value) {
    return sock_filter{code, 0, 0, value};
  };
  const auto jump = [](unsigned value, unsigned char otherwise) {
    return sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 0, otherwise, value};
  };
  constexpr unsigned short load = BPF_LD | BPF_W | BPF_ABS;
  constexpr unsigned short end = BPF_RET | BPF_K;
  std::vector<sock_filter> filter{whole(load, offsetof(seccomp_data, nr))};
  if (name == "netlink") {
    filter.push_back(jump(number, 3));
    filter.push_back(whole(load, offsetof(seccomp_data, args)));
    filter.push_back(jump(AF_NETLINK, 1));
  } else {
    filter.push_back(jump(number, 1));
  }
  filter.push_back(whole(end, SECCOMP_RET_ERRNO | error));
  filter.push_back(whole(end, SECCOMP_RET_ALLOW));
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  check(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl PR_SET_NO_NEW_PRIVS");
  check(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), "prctl PR_SET_SECCOMP");
}

// --- all of it ---

bool own_pids = false;
bool own_proc = false;

void enter(const std::string& word) {
  const std::size_t equals = word.find('=');
  const std::string name = word.substr(0, equals);
  const std::string value = equals == std::string::npos ? "" : word.substr(equals + 1);
  static const std::map<std::string, std::function<void(const std::string&)>> ways{
      {"hide", hide},
      {"file", replace_file},
      {"network", own_network},
      {"users", own_users},
      {"nobody", become_nobody},
      {"user", [](const std::string& number) { become_user(unsigned(std::stoul(number))); }},
      {"root", become_root},
      {"limit", limit},
      {"cpu", use_cpu},
      {"group", own_control_group},
      {"refuse", refuse},
      {"set",
       [](const std::string& text) {
         const auto [path, setting] = split(text, ':');
         write_file("/proc/sys/" + path, setting);
       }},
      {"pids", [](const std::string& proc) {
         check(::unshare(CLONE_NEWPID), "unshare CLONE_NEWPID");
         own_pids = true;
         own_proc = proc == "proc";
         if (own_proc) own_mounts();
       }}};
  ways.at(name)(value);
}

// In the child, the first of its PID namespace where that is a new one.
[[noreturn]] void execute(char** command) {
  try {
    if (own_proc) check(::mount("proc", "/proc", "proc", 0, nullptr), "mount proc");
    if (!own_group.empty()) write_file(own_group / "tasks", "0");
    ::execvp(*command, command);
    std::cerr << "enter: cannot run " << *command << ": " << std::strerror(errno) << '\n';
    ::_exit(misunderstood);
  } catch (const std::exception& error) {
    std::cerr << "enter: " << error.what() << '\n';
  }
  ::_exit(cannot);
}

}  // namespace

int main(int argc, char** argv) {
  const std::span<char*> arguments(argv, static_cast<std::size_t>(argc));
  const auto end =
      std::ranges::find_if(arguments, [](const char* word) { return std::string(word) == "--"; });
  try {
    // A filter may refuse what the others need.
    std::vector<std::string> words(arguments.begin() + 1, end);
    std::ranges::stable_partition(words, [](const std::string& word) {
      return !word.starts_with("refuse=") && word != "nobody" && !word.starts_with("user=");
    });
    for (const std::string& word : words) enter(word);
  } catch (const std::logic_error& error) {
    std::cerr << "enter: " << error.what() << '\n';
    return misunderstood;
  } catch (const std::exception& error) {
    std::cerr << "enter: " << error.what() << '\n';
    if (!own_group.empty()) ::rmdir(own_group.c_str());
    return cannot;
  }
  if (!own_pids && own_group.empty()) execute(&*end + 1);
  const pid_t child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    execute(&*end + 1);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  // The last of a group's processes leaves it a moment after its end.
  for (int i = 0; !own_group.empty() && ::rmdir(own_group.c_str()) != 0 && i < 1000; ++i) {
    ::usleep(1000);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
