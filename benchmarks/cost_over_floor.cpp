// How much more server CPU does a request cost than the bare system calls, when 50 connections are
// all busy (closed loop)?
#include "harness/bench/ratio_program.hpp"

int main() {
  using namespace echomux;
  using namespace echomux::ratio_program;
  const std::vector<std::string> servers{"floor", "epoll_lt", "epoll_et", "coroutines",
                                         "reuseport"};
  std::map<std::string, std::vector<std::string>> arguments{{"reuseport", {"--workers", "1"}}};
  prepare("Server CPU per request over the floor's: 50 active connections, closed loop");

  Load load;
  load.active_connections = 50;
  load.warmup = std::chrono::milliseconds(30);
  load.duration = std::chrono::milliseconds(120);
  const Figures costs = paired_rounds(101, servers, [&](const std::string& name) {
    return measure(server_command(name, arguments[name]), load).complete_cost().cpu_us_per_request;
  });
  report_figures(costs, servers, "us");
  for (const char* const name : {"epoll_lt", "epoll_et", "coroutines", "reuseport"}) {
    report_ratio(std::string(name) + " / floor", ratios(costs, name, "floor"), Bound::at_most,
                 1.10);
  }
}
