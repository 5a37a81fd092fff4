// What do select and poll pay per request, beside 10,000 idle connections, when requests are rare
// enough (200 a second) that each is a wake-up of its own?
#include <fmt/core.h>

#include <iostream>

#include "harness/bench/ratio_program.hpp"

int main() {
  using namespace echomux;
  using namespace echomux::ratio_program;
  const std::vector<std::string> servers{"epoll_lt", "select", "poll"};
  prepare(
      "Server CPU per request over epoll's: 10,000 idle connections, 10 active, 200 requests/s");

  Load load;
  load.idle_connections = 10'000;
  load.active_connections = 10;
  load.requests_per_second = 200;
  load.warmup = std::chrono::milliseconds(50);
  load.duration = std::chrono::milliseconds(500);
  std::map<std::string, std::vector<std::string>> arguments{{"select", {"--select-limit", "none"}}};
  Figures scanned;
  const Figures costs = paired_rounds(25, servers, [&](const std::string& name) {
    const Measurement measured = measure(server_command(name, arguments[name]), load);
    const ServerCost& cost = measured.complete_cost();
    scanned[name].push_back(cost.scanned_per_request().value_or(0));
    return cost.cpu_us_per_request;
  });
  report_figures(costs, servers, "us");
  report_figures(scanned, servers, "descriptors scanned per request");
  for (const char* const name : {"select", "poll"}) {
    report_ratio(std::string(name) + " / epoll_lt", ratios(costs, name, "epoll_lt"),
                 Bound::at_least, 20);
  }
}
