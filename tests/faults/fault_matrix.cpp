// Tries every cell of the matrix backend × call × fault and prints what happened, as Markdown and
// as JSON: './run faults'.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <thread>
#include <vector>

#include "cli/command.hpp"
#include "cli/output.hpp"
#include "harness/results/trial_rows.hpp"
#include "harness/text/table.hpp"
#include "harness/text/whole_file.hpp"
#include "harness/text/words.hpp"
#include "tests/faults/fault_scenario.hpp"

namespace echomux {
namespace {

using Verdict = FaultResult::Verdict;

bool is_storm(const FaultCell& cell) {
  return cell.fault == "everything";
}

struct Tried {
  FaultCell cell;
  FaultResult shim;
  FaultResult strace;
};

struct Options {
  std::string directory = "results/faults";
  std::string only;  // cells whose name contains this
  std::uint64_t seed = 20260101;
  std::size_t storms = 20;
  std::size_t jobs = 4;
  bool strace = true;
  bool force = false;
};

std::vector<Tried> try_all(const Options& options) {
  std::vector<FaultCell> cells = fault_cells(options.seed);
  std::ranges::move(storm_cells(options.seed, options.storms), std::back_inserter(cells));
  std::vector<Tried> all;
  for (FaultCell& cell : cells) {
    if (name_of(cell).find(options.only) == std::string::npos) continue;
    all.push_back({std::move(cell), {}, {}});
  }
  std::atomic<std::size_t> next{0};
  std::vector<std::jthread> workers;
  for (std::size_t i = 0; i < options.jobs; ++i) {
    workers.emplace_back([&] {
      for (std::size_t at = next++; at < all.size(); at = next++) {
        Tried& tried = all[at];
        tried.shim = try_cell(tried.cell);
        if (options.strace) tried.strace = try_cell(tried.cell, Injector::strace);
        for (const FaultResult* result : {&tried.shim, &tried.strace}) {
          if (result->verdict != Verdict::failed) continue;
          std::cerr << fmt::format("{}: {}\n", name_of(tried.cell), in_words(tried.cell, *result));
        }
      }
    });
  }
  workers.clear();
  return all;
}

std::string verdict_name(Verdict verdict) {
  constexpr std::array names{"passed", "failed", "never_fired", "not_applicable"};
  return names.at(static_cast<std::size_t>(verdict));
}

Json to_json(const FaultCell& cell, const FaultResult& result, const std::string& rule) {
  return {{"injected", result.injected},
          {"lost", result.lost},
          {"rule", rule},
          {"seconds", result.seconds},
          {"text", in_words(cell, result)},
          {"verdict", verdict_name(result.verdict)}};
}

std::size_t count_of(Verdict verdict, const std::vector<Tried>& all,
                     const FaultResult Tried::*injector) {
  return static_cast<std::size_t>(std::ranges::count_if(
      all, [&](const Tried& tried) { return (tried.*injector).verdict == verdict; }));
}

// What was tried; the rest is counted.
std::string to_json(const std::vector<Tried>& all, const Options& options) {
  Json cells = Json::array();
  for (const Tried& tried : all) {
    const FaultCell& cell = tried.cell;
    if (!cell.not_applicable.empty()) continue;
    Json json{{"backend", cell.backend->name},
              {"call", is_storm(cell) ? "all" : name_of(cell.call)},
              {"fault", cell.fault},
              {"when", name_of(cell.when)},
              {"shim", to_json(cell, tried.shim, cell.rule)}};
    if (tried.strace.verdict != Verdict::not_applicable) {
      json["strace"] = to_json(cell, tried.strace, cell.strace);
    }
    cells.push_back(std::move(json));
  }
  return in_lines({{"seed", options.seed},
                   {"not_applicable",
                    {{"shim", count_of(Verdict::not_applicable, all, &Tried::shim)},
                     {"strace", count_of(Verdict::not_applicable, all, &Tried::strace)}}},
                   {"cells", rows_of(cells)}}) +
         "\n";
}

// One row of a backend's table: a call and a fault, at all times.
using Row = std::vector<const Tried*>;

std::vector<Row> rows_of(const std::vector<Tried>& all, std::string_view backend) {
  std::vector<Row> rows;
  for (const Tried& tried : all) {
    const FaultCell& cell = tried.cell;
    if (cell.backend->name != backend || is_storm(cell)) continue;
    const FaultCell* const before = rows.empty() ? nullptr : &rows.back().front()->cell;
    if (before == nullptr || before->call != cell.call || before->fault != cell.fault) {
      rows.emplace_back();
    }
    rows.back().push_back(&tried);
  }
  return rows;
}

bool is_applicable(const Row& row) {
  return std::ranges::any_of(row,
                             [](const Tried* tried) { return tried->cell.not_applicable.empty(); });
}

std::string markdown_cell(const Tried& tried) {
  if (!tried.cell.not_applicable.empty()) return "-";
  std::string text = in_words(tried.cell, tried.shim);
  if (tried.strace.verdict != Verdict::not_applicable) {
    text += "; strace: " + in_words(tried.cell, tried.strace);
  }
  std::ranges::replace(text, '|', '/');
  return text;
}

std::string markdown_of(const std::vector<Row>& rows) {
  Table table({Table::left("call"), Table::left("fault"), Table::left("first"),
               Table::left("every n-th"), Table::left("at random"),
               Table::left("always, for a while"), Table::left("at set-up")});
  for (const Row& row : rows) {
    if (!is_applicable(row)) continue;
    const FaultCell& first = row.front()->cell;
    std::vector<std::string> cells{std::string(name_of(first.call)), first.fault};
    cells.resize(cells.size() + all_times.size());
    for (const Tried* const tried : row) {
      cells[2 + static_cast<std::size_t>(tried->cell.when)] = markdown_cell(*tried);
    }
    table.add(std::move(cells));
  }
  return table.print(TableFormat::markdown);
}

// The storms of one backend.
std::string storms_of(const std::vector<Tried>& all, std::string_view backend) {
  std::size_t tried_count = 0;
  std::uint64_t injected = 0;
  std::uint64_t lost = 0;
  std::string failures;
  for (const Tried& tried : all) {
    if (tried.cell.backend->name != backend || !is_storm(tried.cell)) continue;
    ++tried_count;
    injected += tried.shim.injected;
    lost += tried.shim.lost;
    if (tried.shim.verdict != Verdict::failed) continue;
    failures += fmt::format("\n- {}: {}", name_of(tried.cell), in_words(tried.cell, tried.shim));
  }
  if (tried_count == 0) return {};
  return fmt::format(
      "\nEverything at once, at random, with {} seeds: {}; {} harmful faults injected, {} peers "
      "lost{}\n",
      tried_count, failures.empty() ? "passed" : "FAILED", injected, lost, failures);
}

std::string summary_of(std::string_view name, const std::vector<Tried>& all,
                       const FaultResult Tried::*injector) {
  const auto count = [&](Verdict verdict) { return count_of(verdict, all, injector); };
  const std::size_t not_applicable = count(Verdict::not_applicable);
  return fmt::format(
      "- {}: {} cells tried, {} passed, {} failed, {} never fired; {} not applicable\n", name,
      all.size() - not_applicable, count(Verdict::passed), count(Verdict::failed),
      count(Verdict::never_fired), not_applicable);
}

std::string to_markdown(const std::vector<Tried>& all, const Options& options) {
  std::string text =
      "# Injected faults\n\nMade by `./run faults`. Each server runs with faults in its own system "
      "calls while 22 peers of\nall kinds use it; how, and what must hold, is in "
      "`tests/faults/fault_scenario.cpp`. \"lost\" counts the peers\nthat lost their own "
      "connection "
      "to a fault in it; nobody else lost a byte. \"-\" is a "
      "cell that isn't\napplicable: `tests/faults/fault_cells.cpp` says why. The seed of the "
      "random ones is " +
      std::to_string(options.seed) + ".\n\n";
  text += summary_of("preloaded shim", all, &Tried::shim);
  if (options.strace) text += summary_of("strace --inject", all, &Tried::strace);
  for (const Backend& backend : all_backends()) {
    const std::vector<Row> rows = rows_of(all, backend.name);
    const std::string storms = storms_of(all, backend.name);
    if (rows.empty() && storms.empty()) continue;
    text += fmt::format("\n## {}\n", backend.name) + storms;
    if (!rows.empty()) text += "\n" + markdown_of(rows);
  }
  return text;
}

int run(const Options& options) {
  const std::vector<Tried> all = try_all(options);
  const std::string markdown = to_markdown(all, options);
  std::cout << markdown;
  std::filesystem::path place = std::filesystem::path(options.directory) / "matrix.json";
  if (!options.force) place = unused_name(place, ".md");
  write_whole_file(place, to_json(all, options), "matrix");
  std::cerr << fmt::format("written to {} and .md\n", place.string());
  write_whole_file(place.replace_extension(".md"), markdown, "matrix");
  const bool failed = std::ranges::any_of(all, [](const Tried& tried) {
    return tried.shim.verdict == Verdict::failed || tried.strace.verdict == Verdict::failed;
  });
  return failed ? exit_failure : exit_ok;
}

}  // namespace
}  // namespace echomux

int main(int argc, char** argv) {
  using namespace echomux;
  Options options;
  return parse_and_run(
      {"fault_matrix",
       "Tries every server with faults in its system calls, and prints the matrix.",
       {{"--out", "Directory for matrix.md and matrix.json; matrix-2 where these are there",
         &options.directory},
        force_option(options.force),
        {"--only", "Cells whose name, such as poll/recv/EINTR, contains this", &options.only},
        {"--seed", "Of the faults at random", &options.seed},
        {"--storms", "How many seeds of everything at once, per server",
         Count{&options.storms, 0, 1'000'000}},
        {"--jobs", "How many servers at a time", Count{&options.jobs, 1, 64}},
        {"!--no-strace", "Without the cross-check by strace", &options.strace}},
       "",
       [&] { return run(options); }},
      argc, argv);
}
