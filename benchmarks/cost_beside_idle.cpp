// Does a request cost an epoll server more when 19,000 further connections are open and idle? Two
// processes of the same server, one with the idle connections and one without, are loaded in turns.
#include <future>
#include <stop_token>
#include <thread>

#include "harness/bench/ratio_program.hpp"

namespace {

using namespace echomux;
using namespace echomux::ratio_program;

// Holds idle connections to a server from a thread of its own, from construction to destruction.
class Crowd {
 public:
  explicit Crowd(const Endpoint& server) {
    options_.server = server;
    options_.load.idle_connections = 18'999;
    options_.load.active_connections = 1;
    options_.load.requests_per_second = 1;
    options_.load.duration = std::chrono::hours(1);
    options_.on_window_begin = [this] { open_.set_value(); };
    thread_ = std::jthread([this](std::stop_token stop) {
      const SwarmResult result = run_swarm(options_, std::move(stop));
      if (result.measured_time.count() == 0 && result.outcome.reason != RunEnd::interrupted) {
        open_.set_exception(
            std::make_exception_ptr(std::runtime_error("the idle connections did not open")));
      }
    });
    open_.get_future().get();
  }

 private:
  SwarmOptions options_;
  std::promise<void> open_;
  std::jthread thread_;
};

}  // namespace

int main() {
  prepare("Server CPU per request beside 19,000 idle connections, over that beside none");
  Load load;
  load.active_connections = 50;
  load.warmup = std::chrono::milliseconds(30);
  load.duration = std::chrono::milliseconds(120);
  for (const std::string name : {"epoll_lt", "epoll_et"}) {
    const std::string beside = name + ", 19,000 idle";
    const std::vector<std::string> contenders{name, beside};
    ServerProcess quiet(server_command(name));
    ServerProcess crowded(server_command(name));
    const Crowd crowd(crowded.endpoint());
    const Figures costs = paired_rounds(101, contenders, [&](const std::string& contender) {
      return measure(contender == beside ? crowded : quiet, load)
          .complete_cost()
          .cpu_us_per_request;
    });
    report_figures(costs, contenders, "us");
    report_ratio(beside + " / none", ratios(costs, beside, name), Bound::at_most, 1.10);
  }
}
