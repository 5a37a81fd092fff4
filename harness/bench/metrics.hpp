#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/bench/sweep.hpp"

namespace echomux {

// One figure of a trial, and how to get it; none when the trial doesn't have it.
struct Metric {
  std::string name;  // the field's, with '_' for each '.' or object that it is in
  Field field;
  std::function<std::optional<double>(const Trial&)> value;
};

// All that are summarised: the fields of load and cost that have a place in the CSV, in that order.
[[nodiscard]] const std::vector<Metric>& metrics();

// Those that have such a place (such as &Places::ledger), in its order. They are the list's own.
[[nodiscard]] std::vector<const Metric*> metrics_in(int Places::*place,
                                                    const std::vector<Metric>& list = metrics());

// By its name or the one that it had. Throws std::invalid_argument that names the others.
[[nodiscard]] const Metric& find_metric(std::string_view name);

}  // namespace echomux
