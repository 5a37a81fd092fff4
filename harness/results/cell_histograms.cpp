#include "harness/results/cell_histograms.hpp"

#include <algorithm>

#include "harness/bench/summary.hpp"
#include "harness/load/hdr_format.hpp"

namespace echomux {
namespace {

// What the cell has already; none where it is of a trial that doesn't count, or was made anew.
const CellHistogram* kept(const Cell& cell, const Results& results,
                          const std::vector<const Trial*>& used) {
  const auto found = std::ranges::find(results.histograms, cell, &CellHistogram::cell);
  if (found == results.histograms.end()) return nullptr;
  const bool counts = std::ranges::all_of(found->repetitions, [&](std::size_t repetition) {
    const auto trial = std::ranges::find(used, repetition, &Trial::repetition);
    return trial != used.end() && (*trial)->load->histogram_v2.empty();
  });
  return counts ? &*found : nullptr;
}

std::optional<LatencyHistogram> sum_of(const CellHistogram* kept,
                                       std::string CellHistogram::*of_cell,
                                       const std::vector<const Trial*>& used,
                                       std::string LoadReport::*of_trial) {
  const auto has = [&](const Trial& trial) {
    return kept != nullptr && std::ranges::count(kept->repetitions, trial.repetition) > 0;
  };
  LatencyHistogram sum;
  try {
    if (kept != nullptr) sum.add(from_hdr_v2(kept->*of_cell));
    for (const Trial* const trial : used) {
      if (!has(*trial)) sum.add(from_hdr_v2((*trial->load).*of_trial));
    }
  } catch (const std::runtime_error&) {
    return std::nullopt;
  }
  return sum;
}

}  // namespace

CellLatencies latencies_of(const Cell& cell, const Results& results) {
  const std::vector<const Trial*> used = used_trials(cell, results);
  const CellHistogram* const before = kept(cell, results, used);
  return {sum_of(before, &CellHistogram::histogram_v2, used, &LoadReport::histogram_v2),
          sum_of(before, &CellHistogram::histogram_uncorrected_v2, used,
                 &LoadReport::histogram_uncorrected_v2)};
}

void add_histograms(Results& results) {
  std::vector<CellHistogram> all;
  for (const CellSummary& summary : summarize(results)) {
    const std::vector<const Trial*> used = used_trials(summary.cell, results);
    const CellLatencies sum = latencies_of(summary.cell, results);
    if (used.size() < 2 || !sum.from_due || !sum.from_sent) continue;
    CellHistogram& made = all.emplace_back();
    made.cell = summary.cell;
    for (const Trial* const trial : used) made.repetitions.push_back(trial->repetition);
    made.histogram_v2 = to_hdr_v2(*sum.from_due);
    made.histogram_uncorrected_v2 = to_hdr_v2(*sum.from_sent);
  }
  for (Trial& trial : results.trials) {
    const bool is_summed = std::ranges::find(all, trial.cell, &CellHistogram::cell) != all.end();
    if (!trial.load || !is_summed) continue;
    trial.load->histogram_v2.clear();
    trial.load->histogram_uncorrected_v2.clear();
  }
  results.histograms = std::move(all);
}

}  // namespace echomux
