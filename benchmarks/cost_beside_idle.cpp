// Does a request cost an epoll server more when 19,000 further connections are open and idle?
#include "benchmarks/measure.hpp"

int main() {
  using namespace echomux;
  using namespace echomux::measure;
  constexpr std::size_t idle_connections = 19'000;
  prepare("Server CPU per request beside 19,000 idle connections, over that beside none");

  SwarmOptions load;
  load.active_connections = 50;
  load.warmup = std::chrono::milliseconds(50);
  load.duration = std::chrono::milliseconds(200);
  for (const std::string server : {"epoll_lt", "epoll_et"}) {
    const std::string beside = server + ", 19,000 idle";
    const std::vector<std::string> contenders{server, beside};
    const Figures costs = paired_rounds(31, contenders, [&](const std::string& contender) {
      load.idle_connections = contender == beside ? idle_connections : 0;
      return measure_cost(server_command(server), load).cpu_us_per_request;
    });
    report_figures(costs, contenders, "us");
    report_ratio(beside + " / none", ratios(costs, beside, server), Bound::at_most, 1.10);
  }
}
