#include "harness/bench/ratio_program.hpp"

#include <fmt/core.h>
#include <sys/utsname.h>

#include <filesystem>
#include <iostream>

#include "harness/bench/rounds.hpp"
#include "harness/bench/sweep.hpp"
#include "harness/machine/cpu.hpp"
#include "harness/server/programs.hpp"
#include "harness/stats/statistics.hpp"
#include "harness/text/number_text.hpp"
#include "harness/text/table.hpp"

namespace echomux::ratio_program {
namespace {

// Before prepare() narrows it down.
const std::vector<int>& all_cpus() {
  static const std::vector<int> cpus = usable_cpus();
  return cpus;
}

}  // namespace

ServerCommand server_command(std::string_view name, const std::vector<std::string>& arguments) {
  ServerCommand command = serve_command(echomux_program(), name, arguments);
  if (name == "floor") command = {.arguments = {floor_program(), "{port}"}};
  if (std::filesystem::exists(peer_program(name))) {
    command = {.arguments = {peer_program(name), "{port}"}, .echoes_all_bytes = true};
  }
  if (all_cpus().size() > 1) command.cpus = {all_cpus().back()};
  return command;
}

void prepare(std::string_view question) {
  const std::uint64_t descriptors = raise_descriptor_limit();
  if (all_cpus().size() > 1) run_on_cpus({all_cpus().front()});
  utsname system{};
  ::uname(&system);
  std::cout << fmt::format("{}\n  {} {}, {} CPUs, at most {} descriptors\n", question,
                           system.sysname, system.release, all_cpus().size(), descriptors);
}

Figures paired_rounds(int rounds, const std::vector<std::string>& contenders,
                      const std::function<double(const std::string&)>& measure) {
  Figures figures;
  run_rounds(contenders.size(), static_cast<std::size_t>(rounds),
             [&](std::size_t contender, std::size_t round) {
               std::cerr << fmt::format("\r  round {} of {}", round + 1, rounds) << std::flush;
               const std::string& name = contenders[contender];
               figures[name].push_back(measure(name));
             });
  std::cerr << "\r                        \r";
  return figures;
}

std::vector<double> ratios(const Figures& figures, const std::string& above,
                           const std::string& below) {
  std::vector<double> result;
  for (std::size_t i = 0; i < figures.at(above).size(); ++i) {
    result.push_back(figures.at(above)[i] / figures.at(below)[i]);
  }
  return result;
}

void report_figures(const Figures& figures, const std::vector<std::string>& contenders,
                    std::string_view unit) {
  Table table({Table::left({}, 44), Table::left({}, 0, 1)});
  for (const std::string& name : contenders) {
    table.add({name, fmt::format("{} {}", median_text(figures.at(name)), unit)});
  }
  std::cout << table.print();
}

std::string median_text(const std::vector<double>& values) {
  const MedianInterval interval = median_interval(values);
  return ratio_in_words(interval.median, interval.bounds) +
         (interval.bounds ? "" : " [no interval]");
}

void report_ratio(std::string_view what, const std::vector<double>& ratios, Bound bound,
                  double limit) {
  const MedianInterval interval = median_interval(ratios);
  const auto bounds = interval.bounds.value_or(
      MedianInterval::Bounds{.low = interval.median, .high = interval.median});
  const bool reached = bound == Bound::at_most ? bounds.high <= limit : bounds.low >= limit;
  Table table({Table::left({}, 44), Table::left({}, 0, 1), Table::left()});
  table.add(
      {std::string(what), median_text(ratios),
       fmt::format("(wanted: {} {:.2f}: {})", bound == Bound::at_most ? "at most" : "at least",
                   limit, reached ? "reached" : "not reached")});
  std::cout << table.print() << std::flush;
}

}  // namespace echomux::ratio_program
