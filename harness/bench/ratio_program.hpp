#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "harness/bench/measurement.hpp"
#include "harness/server/server_process.hpp"

// What the ratio programs share. Each compares servers in paired rounds (rounds.hpp), and only
// ratios within a round are kept. So whatever the machine does to a whole round cancels out.
namespace echomux::ratio_program {

// "floor", one in peers/, or one of the suite's servers; further arguments for `echomux serve` may
// follow. It runs on the server's CPU.
[[nodiscard]] ServerCommand server_command(std::string_view name,
                                           const std::vector<std::string>& arguments = {});

// Prepares this process: the limit of open descriptors as high as allowed, this thread on the
// client's CPU. Says on stdout what is compared, and on which machine.
void prepare(std::string_view question);

// Measures all contenders once per round, and keeps one figure each.
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

}  // namespace echomux::ratio_program
