#include "report/cost_chart.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "harness/bench/summary.hpp"
#include "harness/text/number_text.hpp"
#include "harness/text/table.hpp"

namespace echomux {
namespace {

constexpr std::string_view charted_metric = "cpu_us_per_request";
constexpr std::size_t longest_bar = 50;
constexpr std::size_t shortest_bar = 8;

// In eighths of a column.
std::string bar(double share, std::size_t columns) {
  static constexpr std::array<std::string_view, 8> parts{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const auto eighths =
      static_cast<std::size_t>(std::llround(share * 8 * static_cast<double>(columns)));
  std::string text;
  for (std::size_t i = 0; i < eighths / 8; ++i) text += "█";
  text += parts.at(eighths % 8);
  return text.empty() ? "▏" : text;
}

}  // namespace

std::string cost_chart(const Results& results, std::size_t columns) {
  const SweepPlan& plan = results.context.plan;
  if (plan.idle_connections.empty() || plan.rates.empty()) return "";
  const std::size_t idle = std::ranges::max(plan.idle_connections);
  std::vector<std::pair<std::string, double>> costs;
  std::size_t widest_name = 0;
  double most = 0;
  for (const CellSummary& cell : summarize(results)) {
    const std::optional<double> cost = cell.median(charted_metric);
    if (cell.cell.idle_connections != idle || cell.cell.rate != plan.rates.front() || !cost ||
        cell.used == 0) {
      continue;
    }
    costs.emplace_back(cell.cell.server, *cost);
    widest_name = std::max(widest_name, cell.cell.server.size());
    most = std::max(most, *cost);
  }
  if (costs.size() < 2 || most <= 0) return "";
  constexpr std::size_t room_for_figures = 12;
  const std::size_t taken = widest_name + room_for_figures;
  const std::size_t room =
      std::clamp(columns > taken ? columns - taken : 0, shortest_bar, longest_bar);
  Table table({Table::left(), Table::left({}, 0, 1), Table::left({}, 0, 1)});
  for (const auto& [server, cost] : costs) {
    table.add({server, bar(cost / most, room), figure_in_words(cost)});
  }
  return fmt::format("CPU µs per request beside {} idle connections\n{}", count_in_words(idle),
                     table.print());
}

}  // namespace echomux
