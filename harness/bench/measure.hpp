#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "harness/load/swarm.hpp"
#include "harness/server/server_process.hpp"

// What the ratio programs share. Each compares servers in paired rounds: in every round all of them
// are measured one after the other, in an order that rotates, and only ratios within a round are
// kept. So whatever the machine does to a whole round cancels out.
namespace echomux::measure {

// "floor", or one of the suite's servers; further arguments for `echomux serve` may follow. It runs
// on the server's CPU.
[[nodiscard]] ServerCommand server_command(std::string_view name,
                                           const std::vector<std::string>& arguments = {});

// Prepares this process: the limit of open descriptors as high as allowed, this thread on the
// client's CPU. Says on stdout what is compared, and on which machine.
void prepare(std::string_view question);

// What one run of one server cost it.
struct Cost {
  double cpu_us_per_request = 0;   // the server's process CPU clock
  double scanned_per_request = 0;  // from its counters; zero for the floor, which has none
  double requests_per_second = 0;
  double latency_us_p50 = 0;  // as the client saw it, from when each message was due
  // What the server counted in that time, by the names of its counters; none for the floor.
  std::map<std::string, double> counted_per_request = {};
};

// Puts the load on a running server. Throws std::runtime_error when the run did not complete.
[[nodiscard]] Cost measure_cost(ServerProcess& server, const Load& load);

// The same with a fresh server, which is stopped again.
[[nodiscard]] Cost measure_cost(const ServerCommand& command, const Load& load);

// Measures all contenders once per round, in an order that rotates, and keeps one figure each.
using Figures = std::map<std::string, std::vector<double>>;
[[nodiscard]] Figures paired_rounds(int rounds, const std::vector<std::string>& contenders,
                                    const std::function<double(const std::string&)>& measure);

// The ratio of the two contenders' figures in each round.
[[nodiscard]] std::vector<double> ratios(const Figures& figures, const std::string& above,
                                         const std::string& below);

// Prints each contender's median with its interval.
void report_figures(const Figures& figures, const std::vector<std::string>& contenders,
                    std::string_view unit);

// "1.051 [1.032, 1.070]": the median with its 95 % interval.
[[nodiscard]] std::string median_text(const std::vector<double>& values);

// Prints one line of the answer: the median ratio with its interval, and how it compares to the
// bound that the project has set itself ("at most 1.10").
enum class Bound { at_most, at_least };
void report_ratio(std::string_view what, const std::vector<double>& ratios, Bound bound,
                  double limit);

}  // namespace echomux::measure
