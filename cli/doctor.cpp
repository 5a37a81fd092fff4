#include "harness/machine/doctor.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <iostream>
#include <memory>
#include <set>

#include "cli/capacity.hpp"
#include "cli/command.hpp"
#include "cli/doctor_hosts.hpp"
#include "harness/bench/program_watch.hpp"
#include "harness/machine/machine.hpp"
#include "harness/text/json.hpp"
#include "harness/text/table.hpp"
#include "harness/text/words.hpp"

namespace echomux {
namespace {

// What the course calls beside this program, what for, and the package of Debian and Ubuntu.
struct Tool {
  std::string_view name;
  std::string_view what_for;
  std::string_view package;
};
constexpr std::array tools{Tool{"g++", "builds the exercises and the program of session 0", "g++"},
                           Tool{"ss", "shows sockets, their state and their queues", "iproute2"},
                           Tool{"top", "shows who uses the CPU", "procps"},
                           Tool{"ps", "shows states, threads and memory of a process", "procps"},
                           Tool{"prlimit", "starts a server with other limits", "util-linux"},
                           Tool{"taskset", "pins a program to a CPU", "util-linux"},
                           Tool{"strace", "shows a process's system calls", "strace"},
                           Tool{"python3", "runs the checks of the exercises", "python3"},
                           Tool{"nc", "another client", "netcat-openbsd"},
                           Tool{"telnet", "another client", "inetutils-telnet"},
                           Tool{"socat", "another client", "socat"},
                           Tool{"node", "draws the figures of reproduce -o", "nodejs"}};

// Each with "yes" or "no", and one command that installs what isn't there.
std::string course_tools() {
  Table table({Table::left("the course uses", 0, 0), Table::left("there"), Table::left("for")});
  std::set<std::string_view> packages;
  for (const Tool& tool : tools) {
    const bool there = !program_named(std::string(tool.name)).empty();
    if (!there) packages.insert(tool.package);
    table.add({std::string(tool.name), there ? "yes" : "no", std::string(tool.what_for)});
  }
  if (packages.empty()) return table.print();
  return fmt::format("{}-> {}apt-get install {}\n", table.print(), ::geteuid() == 0 ? "" : "sudo ",
                     joined(packages, " "));
}

void print_text(const Machine& machine, const Diagnosis& diagnosis) {
  std::cout << fmt::format(
      "{}, {}\n{}, {} of {} CPUs usable, {} of {} MiB of memory available\n\n", machine.kernel,
      machine.distribution, machine.cpu_model, machine.cpus_usable, machine.cpus_online,
      machine.memory_available_bytes / 1'048'576, machine.memory_bytes / 1'048'576);
  Table servers({Table::left("server", 0, 0), Table::right("max connections", 15, 1),
                 Table::left("limited by")});
  for (const Capacity& capacity : diagnosis.backends) {
    servers.add({capacity.backend, std::to_string(capacity.max_connections), capacity.limited_by});
    if (!capacity.lift.empty()) servers.add({"", "", "lift: " + capacity.lift});
  }
  Table observations = Table::list(6);
  for (const Observation& observation : diagnosis.observations) {
    observations.add({std::string(to_string(observation.level)), observation.sentence});
    if (!observation.command.empty()) observations.add({"", "-> " + observation.command});
  }
  std::cout << servers.print() << '\n' << observations.print() << '\n' << course_tools();
}

int doctor(const std::string& format) {
  const Machine machine = describe_machine();
  const Diagnosis diagnosis = diagnose(machine, server_traits());
  if (format == "json") {
    std::cout << to_json(machine, diagnosis).dump(2) << '\n';
  } else {
    print_text(machine, diagnosis);
  }
  return exit_ok;
}

}  // namespace

Command doctor_command() {
  struct Arguments {
    std::string format = "text";
    std::string hosts;
    std::string rsh = "ssh -o BatchMode=yes -o ConnectTimeout=5";
  };
  const auto to = std::make_shared<Arguments>();
  return {
      "doctor",
      "Tell what this machine can carry, what to know when measuring on it, and which tools of the "
      "course are there",
      {{"--format", "How to print it", one_of(&to->format, {"text", "json"}), {"--hosts"}},
       {"--hosts", "Try the hosts of this file instead, as mpirun --hostfile takes it",
        file(&to->hosts)},
       {"--rsh", "How they are reached", &to->rsh, {}, {"--hosts"}}},
      "It changes nothing. Commands that lift a limit are printed, not run.\nExit status with "
      "--hosts: 0 all hosts can take part, 1 some can't.",
      [to] { return to->hosts.empty() ? doctor(to->format) : examine_hosts(to->hosts, to->rsh); }};
}

}  // namespace echomux
