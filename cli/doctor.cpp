#include "harness/machine/doctor.hpp"

#include <fmt/core.h>

#include <iostream>
#include <memory>

#include "cli/capacity.hpp"
#include "cli/command.hpp"
#include "cli/doctor_hosts.hpp"
#include "harness/machine/machine.hpp"
#include "harness/text/json.hpp"
#include "harness/text/table.hpp"

namespace echomux {
namespace {

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
  std::cout << servers.print() << '\n' << observations.print();
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
      "Tell what this machine can carry, and what to know when measuring on it",
      {{"--format", "How to print it", one_of(&to->format, {"text", "json"}), {"--hosts"}},
       {"--hosts", "Try the hosts of this file instead, as mpirun --hostfile takes it",
        file(&to->hosts)},
       {"--rsh", "How they are reached", &to->rsh, {}, {"--hosts"}}},
      "It changes nothing. Commands that lift a limit are printed, not run.\nExit status with "
      "--hosts: 0 all hosts can take part, 1 some can't.",
      [to] { return to->hosts.empty() ? doctor(to->format) : examine_hosts(to->hosts, to->rsh); }};
}

}  // namespace echomux
