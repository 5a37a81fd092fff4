// How long do 19,000 connections take until each has been accepted and has had one echo?
#include "harness/bench/ratio_program.hpp"
#include "harness/text/time_units.hpp"

int main() {
  using namespace echomux;
  using namespace echomux::ratio_program;
  const std::vector<std::string> servers{"floor", "epoll_lt", "epoll_et"};
  prepare("Seconds until 19,000 connections are open and each confirmed by one echo");

  Load load;
  load.idle_connections = 18'999;
  load.active_connections = 1;
  load.warmup = load.duration = std::chrono::milliseconds(1);
  const Figures times = paired_rounds(11, servers, [&](const std::string& name) {
    ServerProcess server(server_command(name));
    return to_seconds(run_swarm({server.endpoint(), load}).open_time);
  });
  report_figures(times, servers, "s");
  for (const char* const name : {"epoll_lt", "epoll_et"}) {
    report_ratio(std::string(name) + ", seconds", times.at(name), Bound::at_most, 2);
  }
}
