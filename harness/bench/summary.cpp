#include "harness/bench/summary.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "harness/bench/slices.hpp"
#include "harness/text/number_text.hpp"
#include "harness/text/words.hpp"

namespace echomux {
namespace {

// An interval that is wider than this part of its median says little more than the order of
// magnitude.
constexpr double widest_interval = 0.5;
// The metrics that a reader compares servers by, and whose intervals are judged.
constexpr std::string_view judged_metrics[] = {"latency_us_p50", "cpu_us_per_request"};

constexpr std::string_view cost_metric = "cpu_us_per_request";
// Without intervals only what is this many times as large is called different.
constexpr double clear_ratio = 1.5;
// With which two servers of a row are told apart.
constexpr double apart_confidence = 0.98;

// The logarithm of the dearer one's cost over the cheaper one's, of each repetition that both have.
std::vector<double> log_ratios(const CellSummary& cheaper, const CellSummary& dearer) {
  const MetricSummary& below = cheaper.metric(ratio_to_empty_floor);
  const MetricSummary& above = dearer.metric(ratio_to_empty_floor);
  std::vector<double> logs;
  for (std::size_t i = 0; i < above.values.size(); ++i) {
    const auto same = std::ranges::find(below.repetitions, above.repetitions[i]);
    if (same == below.repetitions.end()) continue;
    const auto place = static_cast<std::size_t>(same - below.repetitions.begin());
    logs.push_back(std::log(above.values[i] / below.values[place]));
  }
  return logs;
}

bool counts(const Trial& trial) {
  return trial.has_figures() && trial.judgement.verdict != Verdict::invalid;
}

MetricSummary summarize_metric(const Metric& metric, const std::vector<const Trial*>& trials) {
  MetricSummary summary;
  summary.place = metric.field.places.csv;
  for (const Trial* const trial : trials) {
    if (const std::optional<double> value = metric.value(*trial)) {
      summary.values.push_back(*value);
      summary.repetitions.push_back(trial->repetition);
    }
  }
  if (summary.values.empty()) return summary;
  summary.interval = median_interval(summary.values);
  for (const std::size_t index : outliers(summary.values)) {
    summary.outliers.push_back(summary.repetitions[index]);
  }
  return summary;
}

// What most of a cell's trials came to, with each reason once and how often it was there.
void judge_cell(CellSummary& summary, const std::vector<const Trial*>& trials) {
  struct Count {
    Reason reason;
    std::size_t times = 0;
  };
  std::vector<Count> counted;
  std::map<Verdict, std::size_t> verdicts;
  for (const Trial* const trial : trials) {
    ++verdicts[trial->judgement.verdict];
    std::set<std::string> seen;  // a trial may have a reason twice, about two of its figures
    for (const Reason& reason : trial->judgement.reasons) {
      if (!seen.insert(reason.code).second) continue;
      const auto found = std::ranges::find(counted, reason.code,
                                           [](const Count& count) { return count.reason.code; });
      if (found == counted.end()) {
        counted.push_back({reason, 1});
      } else {
        ++found->times;
      }
    }
  }
  for (Count& count : counted) {
    // What befell the smaller part of the repetitions is said, but doesn't decide: that is what
    // repetitions are for.
    const bool decides = 2 * count.times >= trials.size();
    summary.judgement.add(decides ? count.reason.verdict : Verdict::valid, count.reason.code,
                          trials.size() == 1 ? count.reason.sentence
                                             : fmt::format("{} of {} trials: {}", count.times,
                                                           trials.size(), count.reason.sentence));
  }
  if (2 * verdicts[Verdict::invalid] >= trials.size() &&
      summary.judgement.verdict != Verdict::invalid) {
    summary.judgement.add(
        Verdict::invalid, "mostly_invalid",
        fmt::format("{} of {} trials are invalid", verdicts[Verdict::invalid], trials.size()));
  }
  for (const std::string_view name : judged_metrics) {
    const MetricSummary& metric = summary.metrics[name];
    if (!metric.interval.bounds) continue;
    const double width = metric.interval.bounds->high - metric.interval.bounds->low;
    if (width > widest_interval * metric.interval.median) {
      summary.judgement.add(Verdict::suspect, "wide_interval",
                            fmt::format("the interval of {} is {} as wide as its median is large",
                                        name, percent(width / metric.interval.median)));
    }
  }
}

std::vector<const Trial*> trials_of(const Cell& cell, const Results& results) {
  std::vector<const Trial*> all;
  for (const Trial& trial : results.trials) {
    if (trial.cell == cell && trial.outcome.kind != OutcomeKind::interrupted) all.push_back(&trial);
  }
  std::ranges::sort(all, {}, &Trial::repetition);
  return all;
}

CellSummary summarize_cell(const Cell& cell, const Results& results) {
  CellSummary summary;
  summary.cell = cell;
  const std::vector<const Trial*> all = trials_of(cell, results);
  const std::vector<const Trial*> used = used_trials(cell, results);
  summary.trials = all.size();
  summary.used = used.size();
  for (const Trial* const trial : all) {
    if (trial->outcome.kind != OutcomeKind::measured) summary.outcome = trial->outcome;
  }
  for (const Metric& metric : *results.metrics) {
    summary.metrics[metric.name] = summarize_metric(metric, used);
  }
  judge_cell(summary, all);
  for (const SystemCallCount& count : results.system_calls) {
    if (count.cell == cell) summary.system_calls_per_request = count.per_request;
  }
  return summary;
}

}  // namespace

bool told_apart(const CellSummary& cheaper, const CellSummary& dearer) {
  const std::vector<double> logs = log_ratios(cheaper, dearer);
  if (!logs.empty() && cheaper.spread && dearer.spread) {
    const auto count = static_cast<double>(logs.size());
    double mean = 0;
    for (const double log : logs) mean += log / count;
    const Spread& spread = std::max(*cheaper.spread, *dearer.spread,
                                    [](auto& a, auto& b) { return a.deviation < b.deviation; });
    return mean > student_quantile(apart_confidence, spread.degrees) * spread.deviation *
                      std::sqrt(2 / count);
  }
  const auto& low = cheaper.metrics.at(cost_metric).interval.bounds;
  const auto& high = dearer.metrics.at(cost_metric).interval.bounds;
  if (low && high) return low->high < high->low;
  return *dearer.median(cost_metric) >= clear_ratio * *cheaper.median(cost_metric);
}

const MetricSummary& CellSummary::metric(std::string_view name) const {
  static const MetricSummary none;
  const auto found = metrics.find(name);
  return found == metrics.end() ? none : found->second;
}

std::vector<const Trial*> used_trials(const Cell& cell, const Results& results) {
  std::vector<const Trial*> used = trials_of(cell, results);
  std::erase_if(used, [](const Trial* trial) { return !trial->has_figures(); });
  if (std::ranges::any_of(used, [](const Trial* trial) { return counts(*trial); })) {
    std::erase_if(used, [](const Trial* trial) { return !counts(*trial); });
  }
  return used;
}

std::map<std::string, std::set<std::string>> missing_figures(const Results& results,
                                                             std::string_view system_calls) {
  std::map<std::string, std::set<std::string>> missing;
  for (const Trial& trial : results.trials) {
    if (!trial.cost) continue;
    for (const auto& [figure, reason] : trial.cost->unavailable) missing[reason].insert(figure);
  }
  for (const SystemCallCount& count : results.system_calls) {
    if (!count.per_request) missing[count.unavailable].emplace(system_calls);
  }
  return missing;
}

std::optional<double> CellSummary::median(std::string_view metric) const {
  const MetricSummary& summary = this->metric(metric);
  return summary.values.empty() ? std::nullopt : std::optional(summary.interval.median);
}

std::optional<double> MetricSummary::low() const {
  return interval.bounds ? std::optional(interval.bounds->low) : std::nullopt;
}

std::optional<double> MetricSummary::high() const {
  return interval.bounds ? std::optional(interval.bounds->high) : std::nullopt;
}

std::vector<std::pair<std::string_view, MetricSummary>> CellSummary::measured() const {
  std::vector<std::pair<std::string_view, MetricSummary>> all(metrics.begin(), metrics.end());
  std::erase_if(all, [](const auto& metric) { return metric.second.values.empty(); });
  std::ranges::sort(all, {}, [](const auto& metric) { return metric.second.place; });
  return all;
}

std::vector<CellSummary> summarize(const Results& results) {
  std::vector<CellSummary> cells;
  const SweepPlan& plan = results.context.plan;
  for (const std::size_t idle : plan.idle_connections) {
    for (const double rate : plan.rates) {
      const std::size_t begin = cells.size();
      for (const ServerSpec& server : plan.servers) {
        CellSummary summary = summarize_cell({server.name, idle, rate}, results);
        if (summary.trials > 0) cells.push_back(std::move(summary));
      }
      std::vector<CellSummary*> row;
      for (std::size_t i = begin; i < cells.size(); ++i) row.push_back(&cells[i]);
      set_ratio_intervals(row);
    }
  }
  return cells;
}

}  // namespace echomux
