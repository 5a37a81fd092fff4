#include "harness/machine/doctor.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/select.h>
#include <unistd.h>

#include <iostream>
#include <memory>

#include "cli/backends.hpp"
#include "cli/command.hpp"
#include "harness/machine/machine.hpp"
#include "harness/text/json.hpp"
#include "harness/text/table.hpp"

namespace echomux {
namespace {

// Descriptors that whoever started this program has left open for it, and so for the servers that
// it starts, beside stdin, stdout and stderr.
std::uint64_t inherited_descriptors() {
  std::uint64_t count = 0;
  for (int fd = STDERR_FILENO + 1; fd < FD_SETSIZE; ++fd) {
    const int flags = ::fcntl(fd, F_GETFD);
    if (flags >= 0 && (flags & FD_CLOEXEC) == 0) ++count;
  }
  return count;
}

std::vector<ServerTraits> server_traits() {
  std::vector<ServerTraits> servers;
  for (const Backend& backend : backends()) {
    ServerTraits server;
    server.name = backend.name;
    server.thread_per_connection = backend.thread_per_connection;
    if (backend.bound_by_fd_setsize) {
      // Its limit is on the numbers of descriptors, and it needs some itself.
      const std::uint64_t inherited = inherited_descriptors();
      server.max_connections = FD_SETSIZE - server_own_descriptors - inherited;
      server.limit = fmt::format("FD_SETSIZE {}, less {} descriptors of its own and {} inherited",
                                 FD_SETSIZE, server_own_descriptors, inherited);
      server.lift = "echomux bench --select-limit none";
    } else if (backend.max_connections) {
      server.max_connections = backend.max_connections;
      server.limit = "serves one peer at a time by nature";
    }
    servers.push_back(std::move(server));
  }
  return servers;
}

void print_text(const Machine& machine, const Diagnosis& diagnosis) {
  std::cout << fmt::format(
      "{}, {}\n{}, {} of {} CPUs usable, {} of {} MiB of memory available\n\n", machine.kernel,
      machine.distribution, machine.cpu_model, machine.cpus_usable, machine.cpus_online,
      machine.memory_available_bytes / 1'048'576, machine.memory_bytes / 1'048'576);
  Table servers({Table::left("server", 10, 0), Table::right("max connections", 15, 1),
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
  const auto format = std::make_shared<std::string>("text");
  return {"doctor",
          "Tell what this machine can carry, and what to know when measuring on it",
          {{"--format", "How to print it", one_of(format.get(), {"text", "json"})}},
          "It changes nothing. Commands that lift a limit are printed, not run.",
          [format] { return doctor(*format); }};
}

}  // namespace echomux
