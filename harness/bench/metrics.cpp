#include "harness/bench/metrics.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <stdexcept>

#include "harness/text/words.hpp"

namespace echomux {
namespace {

// Adds the metrics among the fields of a T, which `part` gets from a trial.
template <typename T, typename Whole = T, typename PartOf>
void add_metrics(const std::string& prefix, PartOf part, std::vector<Metric>& to) {
  for_each_field(Of<T>{}, [&](const Field& field, auto member) {
    using Value = ValueOf<T, decltype(member)>;
    std::string name = prefix + std::string(field.name);
    std::ranges::replace(name, '.', '_');
    if constexpr (HasFields<Value>) {
      if (!field.metrics) return;
      add_metrics<Value, Whole>(
          name + "_",
          [=](const Trial& trial) -> const Value& { return std::invoke(member, part(trial)); }, to);
    } else if constexpr (std::is_arithmetic_v<Value> ||
                         std::is_same_v<Value, std::optional<double>>) {
      if (field.places.csv == 0) return;
      to.push_back({std::move(name), field, [=](const Trial& trial) -> std::optional<double> {
                      if (std::is_same_v<Whole, ServerCost> && !trial.cost) return std::nullopt;
                      return std::invoke(member, part(trial));
                    }});
    }
  });
}

std::vector<Metric> all_metrics() {
  std::vector<Metric> all;
  add_metrics<LoadReport>(
      "", [](const Trial& trial) -> const LoadReport& { return *trial.load; }, all);
  add_metrics<ServerCost>(
      "", [](const Trial& trial) -> const ServerCost& { return *trial.cost; }, all);
  std::ranges::stable_sort(all, {}, [](const Metric& metric) { return metric.field.places.csv; });
  return all;
}

}  // namespace

const std::vector<Metric>& metrics() {
  static const std::vector<Metric> all = all_metrics();
  return all;
}

std::vector<const Metric*> metrics_in(int Places::*place, const std::vector<Metric>& list) {
  std::vector<const Metric*> found;
  for (const Metric& metric : list) {
    if (metric.field.places.*place > 0) found.push_back(&metric);
  }
  std::ranges::stable_sort(found, {},
                           [&](const Metric* metric) { return metric->field.places.*place; });
  return found;
}

const Metric& find_metric(std::string_view name) {
  const auto found = std::ranges::find_if(metrics(), [&](const Metric& metric) {
    return metric.name == name || (metric.field.former == name && !name.empty());
  });
  if (found != metrics().end()) return *found;
  std::vector<std::string_view> names;
  names.reserve(metrics().size());
  for (const Metric& metric : metrics()) names.push_back(metric.name);
  throw std::invalid_argument(
      fmt::format("no metric '{}'; choose from: {}", name, joined(names, ", ")));
}

}  // namespace echomux
