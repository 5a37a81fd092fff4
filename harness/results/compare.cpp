#include "harness/results/compare.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "harness/text/field_json.hpp"
#include "harness/text/number_text.hpp"
#include "harness/text/words.hpp"

namespace echomux {
namespace {

// The conventional level; with Holm's correction it holds for all cells together.
constexpr double significance = 0.05;

const MetricSummary* find(const std::vector<CellSummary>& cells, const Cell& cell,
                          std::string_view metric) {
  const auto found = std::ranges::find(cells, cell, &CellSummary::cell);
  if (found == cells.end()) return nullptr;
  const MetricSummary& summary = found->metrics.at(metric);
  return summary.values.empty() ? nullptr : &summary;
}

void note_difference(std::vector<std::string>& differences, std::string_view what,
                     const std::string& a, const std::string& b) {
  if (a != b) differences.push_back(fmt::format("{}: {} and {}", what, a, b));
}

std::string digest_in_words(const Build& build) {
  return build.code_digest.empty() ? "not told" : build.code_digest;
}

std::vector<std::string> list_differences(const RunContext& a, const RunContext& b) {
  std::vector<std::string> found = differences(a.machine, b.machine);
  note_difference(found, "git commit", a.build.git_commit, b.build.git_commit);
  note_difference(found, "code that measures", digest_in_words(a.build), digest_in_words(b.build));
  note_difference(found, "compiler", a.build.compiler, b.build.compiler);
  note_difference(found, "build type", a.build.build_type, b.build.build_type);
  note_difference(found, "compiler flags", a.build.flags, b.build.flags);
  note_difference(found, "CPUs", a.cpu_plan, b.cpu_plan);
  const auto method = [](const SweepPlan& plan) {
    return plan.slice > std::chrono::nanoseconds(0) ? "servers side by side, in slices"
                                                    : "each trial alone, in one window";
  };
  note_difference(found, "method", method(a.plan), method(b.plan));
  const auto said = [](const Json& value) {
    return value.is_number() ? plain_number(value.get<double>()) : value.dump();
  };
  for_each_field(Of<Load>{}, [&](const LoadField& field, auto member) {
    if (field.title.empty()) return;
    note_difference(found, field.title, said(json_of(a.plan.load.*member)),
                    said(json_of(b.plan.load.*member)));
  });
  return found;
}

}  // namespace

std::string_view to_string(ComparisonVerdict verdict) noexcept {
  return word_of(verdict, {"no difference shown", "lower", "higher", "too few repetitions to tell",
                           "figures in one of them only"});
}

Json to_json(const CellComparison& cell) {
  Json json{{"server", cell.cell.server},
            {"idle_connections", cell.cell.idle_connections},
            {"rate", cell.cell.rate},
            {"metric", cell.metric},
            {"trials_a", cell.count_a},
            {"trials_b", cell.count_b},
            {"verdict", to_string(cell.verdict)}};
  if (cell.count_a > 0) json["median_a"] = cell.median_a;
  if (cell.count_b > 0) json["median_b"] = cell.median_b;
  if (cell.verdict == ComparisonVerdict::only_in_one) return json;
  if (cell.ratio) json["ratio"] = cell.ratio->ratio;
  if (cell.ratio && cell.ratio->bounds) {
    json["low"] = cell.ratio->bounds->low;
    json["high"] = cell.ratio->bounds->high;
  }
  json["p"] = cell.p;
  json["p_holm"] = cell.p_corrected;
  return json;
}

Comparison compare(const Results& a, const Results& b, const Metric& metric) {
  Comparison comparison;
  comparison.differences = list_differences(a.context, b.context);
  const std::vector<CellSummary> cells_a = summarize(a);
  const std::vector<CellSummary> cells_b = summarize(b);
  std::vector<Cell> all;
  for (const auto* const cells : {&cells_a, &cells_b}) {
    for (const CellSummary& summary : *cells) {
      if (std::ranges::find(all, summary.cell) == all.end()) all.push_back(summary.cell);
    }
  }

  std::vector<double> p_values;
  std::vector<double> smallest;  // that samples of these sizes could have given
  for (const Cell& cell : all) {
    const MetricSummary* const in_a = find(cells_a, cell, metric.name);
    const MetricSummary* const in_b = find(cells_b, cell, metric.name);
    if (in_a == nullptr && in_b == nullptr) continue;
    CellComparison compared;
    compared.cell = cell;
    compared.metric = metric.name;
    if (in_a != nullptr) {
      compared.count_a = in_a->values.size();
      compared.median_a = in_a->interval.median;
    }
    if (in_b != nullptr) {
      compared.count_b = in_b->values.size();
      compared.median_b = in_b->interval.median;
    }
    if (in_a != nullptr && in_b != nullptr) {
      const RankTest test = mann_whitney(in_a->values, in_b->values);
      if (std::ranges::min(in_a->values) > 0 && std::ranges::min(in_b->values) > 0) {
        compared.ratio = ratio_interval(in_a->values, in_b->values);
      }
      compared.p = test.p;
      compared.verdict = ComparisonVerdict::no_difference;
      p_values.push_back(test.p);
      smallest.push_back(test.smallest_p);
    }
    comparison.cells.push_back(compared);
  }

  const std::vector<double> corrected = holm(p_values);
  std::size_t next = 0;
  for (CellComparison& cell : comparison.cells) {
    if (cell.verdict == ComparisonVerdict::only_in_one) continue;
    const std::size_t index = next++;
    cell.p_corrected = corrected[index];
    if (corrected[index] <= significance) {
      cell.verdict =
          cell.median_b < cell.median_a ? ComparisonVerdict::lower : ComparisonVerdict::higher;
    } else if (smallest[index] * static_cast<double>(p_values.size()) > significance) {
      // Were this the clearest difference of all, it would be multiplied by the number of cells.
      cell.verdict = ComparisonVerdict::too_few;
    }
  }
  return comparison;
}

}  // namespace echomux
