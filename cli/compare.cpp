#include "harness/results/compare.hpp"

#include <fmt/core.h>

#include <iostream>
#include <memory>

#include "cli/command.hpp"
#include "harness/text/json.hpp"
#include "harness/text/number_text.hpp"
#include "harness/text/table.hpp"
#include "report/report.hpp"

namespace echomux {
namespace {

struct CompareArguments {
  std::string a;
  std::string b;
  std::vector<std::string> metrics{"cpu_us_per_request", "latency_us_p50", "latency_us_p99"};
  std::string format = "text";
};

void print_text(const CompareArguments& arguments, const std::vector<Comparison>& comparisons) {
  std::cout << fmt::format("A is {}, B is {}; ratios are B / A\n", arguments.a, arguments.b);
  for (const Comparison& comparison : comparisons) {
    if (comparison.cells.empty()) continue;
    Table table({Table::left("server", 18), Table::right("idle", 7, 1), Table::right("rate", 10, 1),
                 Table::right("A", 12, 1), Table::right("B", 12, 1),
                 Table::left("ratio [95 %]", 24), Table::right("p (Holm)", 9, 1),
                 Table::left("B is")});
    for (const CellComparison& cell : comparison.cells) {
      const auto figure = [](std::size_t count, double median) {
        return count == 0 ? std::string("-") : fmt::format("{} ({})", four_digits(median), count);
      };
      table.add({cell.cell.server, std::to_string(cell.cell.idle_connections),
                 cell.cell.rate > 0 ? fmt::format("{}", cell.cell.rate) : "closed loop",
                 figure(cell.count_a, cell.median_a), figure(cell.count_b, cell.median_b),
                 cell.ratio ? ratio_in_words(cell.ratio->ratio, cell.ratio->bounds) : "-",
                 cell.verdict == ComparisonVerdict::only_in_one
                     ? "-"
                     : fmt::format("{:.4f}", cell.p_corrected),
                 std::string(to_string(cell.verdict))});
    }
    std::cout << "\n" << comparison.cells.front().metric << "\n" << table.print();
  }
  std::cout << "\nMedians (number of trials); ratios by Hodges and Lehmann; p by Mann and Whitney, "
               "corrected by\nHolm for the number of cells; lower and higher where it is at most "
               "0.05.\n";
  const std::vector<std::string>& differences = comparisons.front().differences;
  std::cout << (differences.empty() ? "\nMade on machines and with builds that don't differ.\n"
                                    : "\nThe two runs differ in more than their figures:\n");
  for (const std::string& difference : differences) std::cout << "- " << difference << '\n';
}

void print_json(const CompareArguments& arguments, const std::vector<Comparison>& comparisons) {
  Json json{{"a", arguments.a},
            {"b", arguments.b},
            {"differences", comparisons.front().differences},
            {"cells", Json::array()}};
  for (const Comparison& comparison : comparisons) {
    for (const CellComparison& cell : comparison.cells) {
      json["cells"].push_back(to_json(cell));
    }
  }
  std::cout << json.dump(2) << '\n';
}

int run(const CompareArguments& arguments) {
  const Results a = read_results(arguments.a);
  const Results b = read_results(arguments.b);
  std::vector<Comparison> comparisons;
  for (const std::string& name : arguments.metrics) {
    try {
      comparisons.push_back(compare(a, b, find_metric(name)));
    } catch (const std::invalid_argument& error) {
      throw UsageError(fmt::format("--metric: {}", error.what()));
    }
  }
  arguments.format == "json" ? print_json(arguments, comparisons)
                             : print_text(arguments, comparisons);
  std::cout << std::flush;
  if (!std::cout) throw std::runtime_error("cannot write the comparison to stdout");
  return exit_ok;
}

}  // namespace

Command compare_command() {
  const auto to = std::make_shared<CompareArguments>();
  std::vector<std::string> names;
  for (const Metric& metric : metrics()) names.emplace_back(metric.name);
  return {"compare",
          "Compare two results files, cell by cell, with a rank test",
          {{"A", "A results file of 'echomux bench'", file(&to->a)},
           {"B", "Another one", file(&to->b)},
           {"--metric",
            "What to compare by, comma-separated: fields of the summary, such as latency_us_p99",
            offer(&to->metrics, names)},
           {"--format", "How to print it", one_of(&to->format, {"text", "json"})}},
          "",
          [to] { return run(*to); }};
}

}  // namespace echomux
