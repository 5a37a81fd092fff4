// How long do 19,000 connections take until each has been accepted and has had one echo?
#include "harness/bench/measure.hpp"

int main() {
  using namespace echomux;
  using namespace echomux::measure;
  const std::vector<std::string> servers{"floor", "epoll_lt", "epoll_et"};
  prepare("Seconds until 19,000 connections are open and each confirmed by one echo");

  SwarmOptions load;
  load.idle_connections = 18'999;
  load.active_connections = 1;
  load.warmup = load.duration = std::chrono::milliseconds(1);
  const Figures times = paired_rounds(11, servers, [&](const std::string& name) {
    ServerProcess server(server_command(name));
    load.server = server.endpoint();
    return std::chrono::duration<double>(run_swarm(load).open_time).count();
  });
  report_figures(times, servers, "s");
  for (const char* const name : {"epoll_lt", "epoll_et"}) {
    report_ratio(std::string(name) + ", seconds", times.at(name), Bound::at_most, 2);
  }
}
