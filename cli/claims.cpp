#include <fmt/core.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <memory>

#include "claims/claims_run.hpp"
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
using claims::ClaimsRun;
using claims::Tested;

struct ClaimsOptions {
  std::vector<std::string> ids;
  bool list = false;
  bool json = false;
  std::string output;
  std::string ledger;
  std::string theme;
  bool force = false;
};

std::vector<const Claim*> choose(const std::vector<std::string>& ids) {
  std::vector<const Claim*> chosen;
  for (const std::string& id : ids) {
    const auto found = std::ranges::find(claims::claims(), id, &Claim::id);
    if (found == claims::claims().end()) {
      throw UsageError(
          fmt::format("there is no claim '{}'; 'echomux claims --list' shows them all", id));
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

// The ledger, or with a theme its page.
int print_ledger(const std::string& path, const std::string& theme) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error(fmt::format("cannot read {}", path));
  Json json;
  try {
    json = Json::parse(file);
  } catch (const JsonError&) {
    throw std::runtime_error(fmt::format("{} is not JSON", path));
  }
  try {
    const ClaimsRun run = claims::claims_run_from(json);
    std::cout << (theme.empty() ? claims::ledger(run) : claims::page(run, theme));
  } catch (const std::exception& error) {
    throw std::runtime_error(fmt::format("{} is {}", path, error.what()));
  }
  return exit_ok;
}

// Which claim is tested: at a terminal in one line that changes, elsewhere in one line each.
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

// After every claim, so that nothing is lost with what comes after it.
void keep(const ClaimsOptions& options, const ClaimsRun& run) {
  if (options.output.empty()) return;
  write_whole_file(options.output, to_json(run).dump(1) + "\n", "claims");
}

int test_claims(const ClaimsOptions& options, const std::vector<const Claim*>& chosen) {
  if (!options.output.empty()) check_output(options.output, options.force, "claims");
  Interruption stop;
  ClaimsRun run{.started = iso_time_now(),
                .command = own_command_line(),
                .build = build_info(),
                .machine = describe_machine()};
  keep(options, run);
  std::cerr << (options.ids.empty()
                    ? "echomux: all claims take about two minutes\n"
                    : "echomux: a claim about behaviour takes seconds, one about cost up to half a "
                      "minute\n");
  ClaimsProgress progress(chosen.size());
  claims::Context context;
  context.program = own_program();
  context.stop = stop.token();
  context.progress = [&](std::string_view what) { progress.tell(what); };
  for (const Claim* const claim : chosen) {
    if (stop.requested()) break;
    progress.begin(*claim);
    Tested tested = test_claim(*claim, context);
    progress.clear();
    if (stop.requested()) break;
    if (!options.json) {
      std::cout << in_words(tested, !options.ids.empty()) << '\n' << std::flush;
    }
    run.tested.push_back(std::move(tested));
    keep(options, run);
  }
  if (options.json) {
    std::cout << to_json(run).dump(1) << '\n' << std::flush;
  } else {
    std::cout << claims::summary(run.tested) << '\n' << std::flush;
  }
  if (stop.requested()) {
    std::cerr << fmt::format("echomux: interrupted after {} of {} claims\n", run.tested.size(),
                             chosen.size());
  }
  return exit_status(kind_of_all(stop.requested(), false));
}

}  // namespace

Command claims_command() {
  const auto to = std::make_shared<ClaimsOptions>();
  std::vector<std::string> ids;
  for (const Claim& claim : claims::claims()) ids.emplace_back(claim.id);
  return {"claims",
          "Put claims that people make about select, poll and epoll to the test",
          {{"[ID]", "Only these, and show the working", offer(&to->ids, ids)},
           {"--list", "Only list the claims", &to->list},
           {"--json", "Print everything that was seen, for machines", &to->json},
           {"-o,--output", "Also keep it as JSON in this file", file(&to->output)},
           force_option(to->force),
           {"--ledger",
            "Test nothing: print a file that -o wrote as a table in Markdown, each verdict decided "
            "anew from the evidence that was kept",
            file(&to->ledger),
            {"ID", "--list", "--json", "--output"}},
           {"--theme",
            "The page of this theme instead of the table of all claims",
            one_of(&to->theme, claims::themes()),
            {},
            {"--ledger"}}},
          "Every verdict follows from what is observed or measured on this machine: holds, holds "
          "within limits, refuted, not testable here. All together take less than "
          "two minutes and need no root.\nExit status: 0 tested (whatever the verdicts), 1 "
          "failed, 2 wrong use, 130 interrupted.",
          [to] {
            if (!to->ledger.empty()) return print_ledger(to->ledger, to->theme);
            const std::vector<const Claim*> chosen = choose(to->ids);
            return to->list ? list_claims(chosen) : test_claims(*to, chosen);
          }};
}

}  // namespace echomux
