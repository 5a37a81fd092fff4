#include "report/cost_fit.hpp"

#include <fmt/core.h>

#include <cmath>
#include <limits>

#include "harness/text/number_text.hpp"

namespace echomux {
namespace {

double implied_crossing(const CostModel& scanning, const CostModel& epoll, double watched) {
  const double gap = scanning.cost_us(watched, 0) - epoll.cost_us(watched, 0);
  if (gap <= 0) return 0;
  const double gain = epoll.per_ready_us - scanning.per_ready_us;
  const double ready = gap / gain;
  return gain > 0 && ready <= watched ? ready : std::numeric_limits<double>::infinity();
}

std::string crossing_in_words(const MedianInterval& crossing, const std::string& noun) {
  if (crossing.median == 0) return "it never costs more";
  if (std::isinf(crossing.median)) return "it never catches up";
  return fmt::format("from {} {} on", reader_number(crossing), noun);
}

}  // namespace

MedianInterval over_rounds(const RoundModels& models, double CostModel::*coefficient) {
  std::vector<double> values;
  values.reserve(models.size());
  for (const auto& [round, model] : models) values.push_back(model.*coefficient);
  return median_interval(std::move(values));
}

std::optional<MedianInterval> implied_crossing(const RoundModels& scanning,
                                               const RoundModels& epoll, double watched) {
  std::vector<double> values;
  for (const auto& [round, model] : scanning) {
    const auto other = epoll.find(round);
    if (other != epoll.end()) values.push_back(implied_crossing(model, other->second, watched));
  }
  if (values.empty()) return std::nullopt;
  return median_interval(std::move(values));
}

std::vector<std::string> in_words(const CostFit& fit, const std::vector<std::string>& lines) {
  std::vector<std::string> sentences;
  for (const std::string& line : lines) {
    const auto found = fit.models.find(line);
    if (found == fit.models.end() || found->second.empty()) continue;
    const auto coefficient = [&](double CostModel::*which) {
      return reader_number(over_rounds(found->second, which));
    };
    sentences.push_back(
        fmt::format("cost of a wait of {} in µs: {} + {} × watched + {} × ready, R² {}", line,
                    coefficient(&CostModel::fixed_us), coefficient(&CostModel::per_watched_us),
                    coefficient(&CostModel::per_ready_us),
                    reader_number(over_rounds(found->second, &CostModel::r_squared).median)));
  }
  for (const ImpliedCrossing& crossing : fit.crossings) {
    std::string sentence = fmt::format(
        "where a wait of {} costs no more than one of {}, with {} watched, by these models: {}",
        crossing.scanning, crossing.epoll, reader_number(fit.watched),
        crossing_in_words(crossing.implied, "ready"));
    if (crossing.measured) {
      sentence += fmt::format("; as measured per request: {}",
                              crossing_in_words(*crossing.measured, "active"));
    }
    sentences.push_back(std::move(sentence));
  }
  return sentences;
}

}  // namespace echomux
