#pragma once

#include <string>
#include <vector>

#include "harness/results/results_file.hpp"
#include "harness/text/json.hpp"

namespace echomux {

// A run's results and what the page calls them, each differently.
struct LabelledResults {
  std::string label;
  Results results;
};

// What the page shows beside the runs, as `echomux claims --json` and `echomux reproduce` write it.
struct FurtherDocuments {
  Json claims;                   // null: none
  Json figures = Json::array();  // documents of one figure
};

// What the page shows, as its scripts read it (report/README.md says how): the answer, every
// run's cells with their intervals and percentile spectra, the verdicts, and how the first run
// compares with each other one. `runs` must not be empty.
[[nodiscard]] Json report_data(const std::vector<LabelledResults>& runs,
                               const FurtherDocuments& further = {});

// The whole page: one HTML document that needs no network and no other file. Whatever text the
// results hold is shown as text.
[[nodiscard]] std::string report_page(const std::vector<LabelledResults>& runs,
                                      const FurtherDocuments& further = {});

}  // namespace echomux
