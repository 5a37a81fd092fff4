// How much more server CPU does a request cost with a library than with the bare system calls, when
// 50 connections are all busy (closed loop)?
#include <algorithm>
#include <filesystem>
#include <iterator>

#include "harness/bench/ratio_program.hpp"
#include "harness/server/programs.hpp"

int main() {
  using namespace echomux;
  using namespace echomux::ratio_program;
  // A tenth more than another processor had.
  struct Library {
    const char* name;
    double most;
  };
  constexpr Library libraries[]{{"libev", 1.11},           {"libuv", 1.21}, {"asio", 1.29},
                                {"asio_coroutines", 1.29}, {"go", 1.47},    {"libevent", 1.89}};
  std::vector<Library> built;
  std::ranges::copy_if(libraries, std::back_inserter(built), [](const Library& library) {
    return std::filesystem::exists(peer_program(library.name));
  });
  std::vector<std::string> servers{"floor"};
  for (const Library& library : built) servers.emplace_back(library.name);
  prepare("Server CPU per request over the floor's: 50 active connections, closed loop");

  Load load;
  load.active_connections = 50;
  load.warmup = std::chrono::milliseconds(30);
  load.duration = std::chrono::milliseconds(120);
  const Figures costs = paired_rounds(25, servers, [&](const std::string& name) {
    return measure(server_command(name), load).complete_cost().cpu_us_per_request;
  });
  report_figures(costs, servers, "us");
  for (const Library& library : built) {
    report_ratio(std::string(library.name) + " / floor", ratios(costs, library.name, "floor"),
                 Bound::at_most, library.most);
  }
}
