#include <fmt/core.h>

#include <filesystem>
#include <iostream>
#include <memory>

#include "cli/bench_servers.hpp"
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "cli/reproduce_run.hpp"
#include "cli/signal_thread.hpp"
#include "cli/terminal.hpp"
#include "harness/results/results_file.hpp"
#include "harness/text/table.hpp"

namespace echomux {
namespace {

int list_figures() {
  Table table = Table::list(20);
  for (const FigureEntry& entry : figures()) {
    table.add({std::string(entry.id), std::string(entry.title)});
  }
  std::cout << table.print();
  return exit_ok;
}

std::vector<const FigureEntry*> choose(const std::string& name) {
  std::vector<const FigureEntry*> chosen;
  for (const FigureEntry& entry : figures()) {
    if (name == "all" || name == entry.id) chosen.push_back(&entry);
  }
  if (chosen.empty()) {
    throw UsageError(
        fmt::format("there is no figure '{}'; 'echomux reproduce list' shows them all", name));
  }
  return chosen;
}

struct FigureArguments {
  std::string name;
  std::string directory;
  bool json = false;
  bool png = false;
  bool force = false;
};

int reproduce(const FigureArguments& given) {
  const auto& [name, directory, json, png, force] = given;
  if (name == "list") return list_figures();
  const std::vector<const FigureEntry*> chosen = choose(name);
  for (const FigureEntry* const entry : chosen) {
    if (directory.empty()) break;
    const std::filesystem::path place = std::filesystem::path(directory) / entry->id;
    for (const char* const kind : {".json", ".dat", ".gp", ".svg", ".png"}) {
      check_output(place.string() + kind, force, "figures");
    }
  }
  Interruption stop;
  const ReproduceOptions options{
      .directory = directory,
      .json = json,
      .terminal = ProgressLine().shown(),
      .context = {.started = iso_time_now(),
                  .command = own_command_line(),
                  .build = build_info(),
                  .machine = describe_machine()},
      .server = [](const std::string& line) { return make_server(own_server(line)); },
      .png = png};
  return run_figures(chosen, options, std::cout, std::cerr, stop.token());
}

}  // namespace

Command reproduce_command() {
  const auto to = std::make_shared<FigureArguments>();
  std::vector<std::string> names{"list", "all"};
  for (const FigureEntry& entry : figures()) names.emplace_back(entry.id);
  return {
      "reproduce",
      "Make published figures again, and compare their shapes with this machine's",
      {{"FIGURE", "'list', 'all', or one that 'list' shows", offer(&to->name, names)},
       {"-o,--output",
        "A directory for the files of each figure: FIGURE.json, the picture as FIGURE.svg, and a "
        "gnuplot script .gp with its data .dat to change",
        file(&to->directory, "needs the name of a directory")},
       {"--png", "Each picture as FIGURE.png, too", &to->png, {}, {"--output"}},
       {"--json", "Print it for machines", &to->json},
       force_option(to->force)},
      "Absolute times are never compared: ratios between lines, slopes on log-log axes, and "
      "where lines cross. All figures together take about ten minutes. With -o, each is "
      "written as soon as it is measured; node draws the pictures, and 'echomux draw' draws them "
      "again.\nExit status: 0 "
      "measured, 1 a figure or its picture failed, 2 wrong use, 130 interrupted.",
      [to] { return reproduce(*to); }};
}

}  // namespace echomux
