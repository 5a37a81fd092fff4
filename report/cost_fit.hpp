#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/stats/statistics.hpp"
#include "report/cost_model.hpp"

namespace echomux {

// The model of a line's waits, fitted in each round by itself so that everything that follows from
// it has an interval. By round; a round in which the observations didn't determine it is missing.
using RoundModels = std::map<std::size_t, CostModel>;

// From how many ready descriptors on `scanning` costs no more than `epoll`, by their models: 0 when
// it never costs more, infinity when it does even with all that are watched ready.
struct ImpliedCrossing {
  std::string scanning;
  std::string epoll;
  MedianInterval implied;
  std::optional<MedianInterval> measured;  // where the measured lines cross, on the figure's axis
};

// cost of a wait = a + b * watched + c * ready, per line.
struct CostFit {
  double watched = 0;  // what the crossings hold for
  std::map<std::string, RoundModels> models;
  std::vector<ImpliedCrossing> crossings;
};

// One coefficient, or R^2, over the rounds; `models` must not be empty.
[[nodiscard]] MedianInterval over_rounds(const RoundModels& models, double CostModel::*coefficient);

// Over the rounds that both have; none when they have none in common.
[[nodiscard]] std::optional<MedianInterval> implied_crossing(const RoundModels& scanning,
                                                             const RoundModels& epoll,
                                                             double watched);

// A sentence for each line's model and for each crossing.
[[nodiscard]] std::vector<std::string> in_words(const CostFit& fit,
                                                const std::vector<std::string>& lines);

}  // namespace echomux
