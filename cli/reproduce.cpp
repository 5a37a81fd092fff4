#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <stop_token>

#include "cli/command.hpp"
#include "cli/signal_thread.hpp"
#include "harness/machine.hpp"
#include "reproduce/figure.hpp"

namespace echomux {
namespace {

int list_figures() {
  for (const FigureEntry& entry : figures()) {
    std::cout << fmt::format("{:<20} {}\n", entry.id, entry.title);
  }
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

int reproduce(const std::string& name, bool json) {
  if (name == "list") return list_figures();
  const std::vector<const FigureEntry*> chosen = choose(name);
  ::signal(SIGPIPE, SIG_IGN);
  std::stop_source stop;
  const SignalThread signals({SIGINT, SIGTERM}, [&](int) { stop.request_stop(); });
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  const auto progress = [&](const std::string& what) {
    if (terminal) std::cerr << "\r\x1b[K" << what << std::flush;
  };
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const FigureEntry* const entry : chosen) {
    if (!terminal) std::cerr << "measuring " << entry->id << '\n';
    const Figure figure = entry->make(progress, stop.get_token());
    if (terminal) std::cerr << "\r\x1b[K" << std::flush;
    if (stop.stop_requested()) break;
    if (json) {
      all.push_back(to_json(figure));
    } else {
      std::cout << to_text(figure) << '\n' << std::flush;
    }
  }
  if (json) {
    const nlohmann::ordered_json result{{"machine", to_json(describe_machine())},
                                        {"figures", std::move(all)}};
    std::cout << result.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace)
              << '\n';
  }
  if (!stop.stop_requested()) return exit_ok;
  std::cerr << "echomux: interrupted; the figures that were complete by then are printed\n";
  return exit_interrupted;
}

}  // namespace

void add_reproduce_command(CLI::App& app, Action& action) {
  CLI::App* const command = app.add_subcommand(
      "reproduce", "Make published figures again, and compare their shapes with this machine's");
  const auto name = std::make_shared<std::string>();
  const auto json = std::make_shared<bool>(false);
  command->add_option("FIGURE", *name, "'list', 'all', or one that 'list' shows")->required();
  command->add_flag("--json", *json, "Print it for machines");
  command->footer(
      "Absolute times are never compared: ratios between lines, slopes on log-log axes, and where "
      "lines cross. All figures together take about ten minutes.");
  command->callback(
      [name, json, &action] { action = [name, json] { return reproduce(*name, *json); }; });
}

}  // namespace echomux
