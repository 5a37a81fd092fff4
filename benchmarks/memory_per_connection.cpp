// How much user-space memory does an idle connection cost each server? The slope of the process's
// anonymous resident memory between two numbers of connections, each of which has had one echo.
#include <fmt/core.h>

#include <iostream>

#include "harness/bench/ratio_program.hpp"
#include "harness/server/process_state.hpp"

namespace {

using namespace echomux;
using namespace echomux::ratio_program;

double memory_with(const ServerCommand& command, std::size_t connections) {
  ServerProcess server(command);
  double bytes = 0;
  SwarmOptions options{.server = server.endpoint(), .load = {}};
  Load& load = options.load;
  load.idle_connections = connections;
  load.active_connections = 1;
  load.warmup = load.duration = std::chrono::milliseconds(1);
  options.on_window_begin = [&] {
    bytes = static_cast<double>(read_anonymous_memory(server.pid()).value());
  };
  const SwarmResult result = run_swarm(options);
  if (result.outcome.reason != RunEnd::completed)
    throw std::runtime_error("the connections did not open");
  return bytes;
}

}  // namespace

int main() {
  constexpr std::size_t few = 1'000;
  constexpr std::size_t many = 9'000;
  const std::vector<std::string> frugal{"select", "poll", "epoll_lt", "epoll_et", "busy_poll"};
  std::vector<std::string> servers = frugal;
  servers.insert(servers.end(), {"coroutines", "reactor_workers", "reuseport", "threaded"});
  std::map<std::string, std::vector<std::string>> arguments{{"select", {"--select-limit", "none"}}};
  prepare("User-space memory per idle connection, in bytes");
  const Figures slopes = paired_rounds(7, servers, [&](const std::string& name) {
    const ServerCommand command = server_command(name, arguments[name]);
    return (memory_with(command, many) - memory_with(command, few)) / double{many - few};
  });
  for (const std::string& name : frugal) {
    report_ratio(name, slopes.at(name), Bound::at_most, 128);
  }
  for (const char* const name : {"coroutines", "reactor_workers", "reuseport"}) {
    report_ratio(name, slopes.at(name), Bound::at_most, 512);
  }
  report_figures(slopes, {servers.back()}, "");
}
