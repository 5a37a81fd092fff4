#include <fmt/core.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <memory>

#include "claims/investigation.hpp"
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "cli/signal_thread.hpp"
#include "cli/terminal.hpp"
#include "harness/results/results_file.hpp"
#include "harness/server/programs.hpp"
#include "harness/text/json.hpp"
#include "harness/text/table.hpp"
#include "harness/text/whole_file.hpp"

namespace echomux {
namespace {

using claims::Claim;
using claims::Investigation;
using claims::Tested;

struct ClaimsOptions {
  std::vector<std::string> ids;
  bool list = false;
  bool json = false;
  std::string output;
  std::string ledger;
  bool force = false;
};

std::vector<const Claim*> choose(const std::vector<std::string>& ids) {
  std::vector<const Claim*> chosen;
  for (const std::string& id : ids) {
    const auto found = std::ranges::find(claims::claims(), id, &Claim::id);
    if (found == claims::claims().end()) {
      throw UsageError(
          fmt::format("there is no sentence '{}'; 'echomux claims --list' shows them all", id));
    }
    chosen.push_back(&*found);
  }
  if (ids.empty()) {
    for (const Claim& claim : claims::claims()) chosen.push_back(&claim);
  }
  return chosen;
}

int list_claims(const std::vector<const Claim*>& chosen) {
  Table table = Table::list(26);
  for (const Claim* const claim : chosen) {
    table.add({std::string(claim->id), std::string(claim->sentence)});
  }
  std::cout << table.print();
  return exit_ok;
}

int print_ledger(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error(fmt::format("cannot read {}", path));
  Json json;
  try {
    json = Json::parse(file);
  } catch (const JsonError&) {
    throw std::runtime_error(fmt::format("{} is not JSON", path));
  }
  try {
    std::cout << claims::ledger(claims::investigation_from(json));
  } catch (const std::exception& error) {
    throw std::runtime_error(fmt::format("{} is {}", path, error.what()));
  }
  return exit_ok;
}

// Which experiment is running: at a terminal in one line that changes, elsewhere in one line each.
class ClaimsProgress {
 public:
  explicit ClaimsProgress(std::size_t total) : total_(total) {}
  void begin(const Claim& claim) {
    ++current_;
    id_ = claim.id;
    tell("");
  }
  void tell(std::string_view what) const {
    const std::string text =
        fmt::format("[{}/{}] {}{}{}", current_, total_, id_, what.empty() ? "" : ": ", what);
    if (line_.shown()) {
      line_.show(text);
    } else if (what.empty()) {
      std::cerr << text << '\n';
    }
  }
  void clear() const { line_.clear(); }

 private:
  std::size_t total_;
  std::size_t current_ = 0;
  std::string_view id_;
  ProgressLine line_;
};

// After every experiment, so that nothing is lost with what comes after it.
void keep(const ClaimsOptions& options, const Investigation& investigation) {
  if (options.output.empty()) return;
  write_whole_file(options.output, to_json(investigation).dump(1) + "\n", "claims");
}

int investigate(const ClaimsOptions& options, const std::vector<const Claim*>& chosen) {
  if (!options.output.empty()) check_output(options.output, options.force, "claims");
  Interruption stop;
  Investigation investigation{.started = iso_time_now(),
                              .command = own_command_line(),
                              .build = build_info(),
                              .machine = describe_machine()};
  keep(options, investigation);
  std::cerr << (options.ids.empty()
                    ? "echomux: all sentences take about three minutes\n"
                    : "echomux: a sentence about behaviour takes seconds, one about cost up to two "
                      "minutes\n");
  ClaimsProgress progress(chosen.size());
  claims::Laboratory laboratory;
  laboratory.program = own_program();
  laboratory.stop = stop.token();
  laboratory.progress = [&](std::string_view what) { progress.tell(what); };
  for (const Claim* const claim : chosen) {
    if (stop.requested()) break;
    progress.begin(*claim);
    Tested tested = put_to_the_test(*claim, laboratory);
    progress.clear();
    if (stop.requested()) break;
    if (!options.json) {
      std::cout << in_words(tested, !options.ids.empty()) << '\n' << std::flush;
    }
    investigation.tested.push_back(std::move(tested));
    keep(options, investigation);
  }
  if (options.json) {
    std::cout << to_json(investigation).dump(1) << '\n' << std::flush;
  } else {
    std::cout << claims::summary(investigation.tested) << '\n' << std::flush;
  }
  if (stop.requested()) {
    std::cerr << fmt::format("echomux: interrupted after {} of {} sentences\n",
                             investigation.tested.size(), chosen.size());
  }
  return exit_status(kind_of_all(stop.requested(), false));
}

}  // namespace

Command claims_command() {
  const auto to = std::make_shared<ClaimsOptions>();
  std::vector<std::string> ids;
  for (const Claim& claim : claims::claims()) ids.emplace_back(claim.id);
  return {"claims",
          "Put sentences that people repeat about select, poll and epoll to the test",
          {{"[ID]", "Only these, and show the working", offer(&to->ids, ids)},
           {"--list", "Only list the sentences", &to->list},
           {"--json", "Print everything that was seen, for machines", &to->json},
           {"-o,--output", "Also keep it as JSON in this file", file(&to->output)},
           force_option(to->force),
           {"--ledger",
            "Test nothing: print a file that -o wrote as a table in Markdown, each verdict decided "
            "anew from the evidence that was kept",
            file(&to->ledger),
            {"ID", "--list", "--json", "--output"}}},
          "Every verdict follows from what is observed or measured on this machine: holds, holds "
          "within limits, refuted, not testable here. All together take less than "
          "three minutes and need no root.\nExit status: 0 tested (whatever the verdicts), 1 "
          "failed, 2 wrong use, 130 interrupted.",
          [to] {
            if (!to->ledger.empty()) return print_ledger(to->ledger);
            const std::vector<const Claim*> chosen = choose(to->ids);
            return to->list ? list_claims(chosen) : investigate(*to, chosen);
          }};
}

}  // namespace echomux
