#include "harness/bench/slices.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>
#include <utility>

#include "harness/stats/statistics.hpp"

namespace echomux {
namespace {

// More sweeps change the last digits.
constexpr int polishing_sweeps = 10;
constexpr double confidence = 0.95;
// A cell whose standard deviation is this many times that of its row has other reasons to vary: by
// chance alone, one in a hundred of three repetitions has.
constexpr double far_larger = 2.5;

std::vector<double> logarithms(const std::vector<double>& values) {
  std::vector<double> logs;
  logs.reserve(values.size());
  for (const double value : values) logs.push_back(std::log(value));
  return logs;
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

// Around the geometric mean.
void set_interval(MetricSummary& ratios, const std::optional<Spread>& spread) {
  if (ratios.values.empty()) return;
  ratios.interval = {.median = std::exp(mean(logarithms(ratios.values))), .bounds = std::nullopt};
  // The floor's ratio to itself is one, and certain.
  const bool varies = std::ranges::any_of(ratios.values, [](double value) { return value != 1; });
  if (!spread || !varies) return;
  const double half = student_quantile(confidence, spread->degrees) * spread->deviation *
                      std::sqrt(2 / static_cast<double>(ratios.values.size()));
  ratios.interval.bounds = {.low = ratios.interval.median * std::exp(-half),
                            .high = ratios.interval.median * std::exp(half)};
}

// Of a cell's ratio to the floor. Both vary from process to process, so that one of them varies by
// the square root of two less.
Spread own_spread(const std::vector<double>& logs) {
  const double centre = mean(logs);
  double squares = 0;
  for (const double log : logs) squares += (log - centre) * (log - centre);
  const std::size_t degrees = logs.size() - 1;
  return {std::sqrt(squares / static_cast<double>(degrees) / 2), degrees};
}

// The row's floor over the empty one, by a cell that has both ratios in all repetitions. None where
// the floor is a cell itself, whose ratio to itself is one.
std::optional<std::vector<double>> floor_of(const std::vector<CellSummary*>& row,
                                            std::size_t repetitions) {
  std::optional<std::vector<double>> found;
  for (const CellSummary* const cell : row) {
    const std::vector<double>& over_floor = cell->metric(ratio_to_floor).values;
    const std::vector<double>& over_empty = cell->metric(ratio_to_empty_floor).values;
    if (over_floor.size() != repetitions || over_empty.size() != repetitions) continue;
    if (std::ranges::all_of(over_floor, [](double value) { return value == 1; })) {
      return std::nullopt;
    }
    if (found) continue;
    found.emplace();
    for (std::size_t i = 0; i < repetitions; ++i) {
      found->push_back(std::log(over_empty[i] / over_floor[i]));
    }
  }
  return found;
}

// The treatments' logarithms, of as many repetitions each: what is left of them without the means
// of treatments and blocks.
Spread spread_in_blocks(const std::vector<std::vector<double>>& treatments) {
  const std::size_t blocks = treatments.front().size();
  std::vector<double> block_means(blocks);
  for (std::size_t block = 0; block < blocks; ++block) {
    for (const auto& logs : treatments) {
      block_means[block] += logs[block] / static_cast<double>(treatments.size());
    }
  }
  const double all = mean(block_means);
  double squares = 0;
  for (const auto& logs : treatments) {
    const double own = mean(logs);
    for (std::size_t block = 0; block < blocks; ++block) {
      squares += std::pow(logs[block] - own - block_means[block] + all, 2);
    }
  }
  const std::size_t degrees = (treatments.size() - 1) * (blocks - 1);
  return {std::sqrt(squares / static_cast<double>(degrees)), degrees};
}

// Of those that vary alike: one that varies far more than the others is left out, the worst first.
std::optional<Spread> pooled_spread(std::vector<std::vector<double>> treatments) {
  while (treatments.size() > 1 && treatments.front().size() > 1) {
    const Spread all = spread_in_blocks(treatments);
    if (treatments.size() == 2) return all;
    std::size_t worst = 0;
    double worst_times = 0;
    for (std::size_t i = 1; i < treatments.size(); ++i) {
      std::vector<std::vector<double>> others = treatments;
      others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
      const double times = own_spread(treatments[i]).deviation / spread_in_blocks(others).deviation;
      if (times > worst_times) std::tie(worst, worst_times) = std::pair(i, times);
    }
    if (worst_times <= far_larger) return all;
    treatments.erase(treatments.begin() + static_cast<std::ptrdiff_t>(worst));
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::optional<double>> log_effects(const std::vector<RoundCosts>& contenders) {
  std::vector<std::optional<double>> effects(contenders.size());
  std::set<std::size_t> rounds;
  for (std::size_t i = 0; i < contenders.size(); ++i) {
    if (!contenders[i].empty()) effects[i] = 0;
    for (const auto& [round, cost] : contenders[i]) rounds.insert(round);
  }
  RoundCosts moods;  // the rounds' effects, as logarithms
  for (int sweep = 0; sweep < polishing_sweeps; ++sweep) {
    for (std::size_t i = 0; i < contenders.size(); ++i) {
      if (!effects[i]) continue;
      std::vector<double> rest;
      for (const auto& [round, cost] : contenders[i]) rest.push_back(std::log(cost) - moods[round]);
      effects[i] = median(rest);
    }
    for (const std::size_t round : rounds) {
      std::vector<double> rest;
      for (std::size_t i = 0; i < contenders.size(); ++i) {
        const auto cost = contenders[i].find(round);
        if (cost != contenders[i].end()) rest.push_back(std::log(cost->second) - *effects[i]);
      }
      moods[round] = median(rest);
    }
  }
  return effects;
}

void set_ratio_intervals(const std::vector<CellSummary*>& row) {
  const auto values = [](const CellSummary* cell) -> const std::vector<double>& {
    return cell->metric(ratio_to_empty_floor).values;
  };
  std::size_t most = 0;
  for (const CellSummary* const cell : row) most = std::max(most, values(cell).size());
  if (most == 0) return;
  // All are logarithms of ratios to the empty floor, which is a treatment itself, and so is the
  // row's floor, where none of the cells is that.
  std::vector<std::vector<double>> treatments{std::vector<double>(most, 0.0)};
  if (const auto floor = floor_of(row, most)) treatments.push_back(*floor);
  for (const CellSummary* const cell : row) {
    const bool counts = cell->judgement.verdict != Verdict::saturated;
    if (counts && values(cell).size() == most) treatments.push_back(logarithms(values(cell)));
  }
  const std::optional<Spread> pooled = pooled_spread(std::move(treatments));
  for (CellSummary* const cell : row) {
    if (values(cell).empty()) continue;
    cell->spread = pooled;
    if (values(cell).size() > 1) {
      const Spread own = own_spread(logarithms(values(cell)));
      const bool saturated = cell->judgement.verdict == Verdict::saturated;
      if (!pooled || saturated || own.deviation > far_larger * pooled->deviation) {
        cell->spread = own;
      }
    }
    for (const std::string_view name : {ratio_to_floor, ratio_to_empty_floor}) {
      set_interval(cell->metrics[name], cell->spread);
    }
  }
}

}  // namespace echomux
