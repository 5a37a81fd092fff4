#include "reproduce/figure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

namespace echomux {
namespace {

// What passes for the same shape. A published slope is read off a few points of another machine's
// caches; a fifth of an order of growth is less than what distinguishes "grows" from "doesn't".
constexpr double slope_tolerance = 0.2;
// Ratios between lines depend on what a request costs besides the wait, which is different on each
// machine: within a factor of two they tell the same story.
constexpr double factor_tolerance = 2;

// The value of a shape in one round, from a line's values by place.
using RoundLine = std::map<double, double>;

std::optional<double> slope(const RoundLine& line) {
  if (line.size() < 2) return std::nullopt;
  double sum_x = 0;
  double sum_y = 0;
  for (const auto& [x, y] : line) {
    sum_x += std::log(x);
    sum_y += std::log(y);
  }
  const auto n = static_cast<double>(line.size());
  double covariance = 0;
  double variance = 0;
  for (const auto& [x, y] : line) {
    const double dx = std::log(x) - sum_x / n;
    covariance += dx * (std::log(y) - sum_y / n);
    variance += dx * dx;
  }
  return variance > 0 ? std::optional(covariance / variance) : std::nullopt;
}

// The line as it was in one round, at the places that `wanted` has too.
RoundLine in_round(const MeasuredLine& line, std::size_t round, const PublishedLine& wanted) {
  RoundLine values;
  for (const auto& [x, rounds] : line.rounds) {
    if (x > 0 && (wanted.empty() || wanted.contains(x)) && round < rounds.size()) {
      values[x] = rounds[round];
    }
  }
  return values;
}

std::size_t round_count(const MeasuredLine& line) {
  std::size_t count = 0;
  for (const auto& [x, rounds] : line.rounds) count = std::max(count, rounds.size());
  return count;
}

const MeasuredLine& measured_line(const Figure& figure, const std::string& line) {
  static const MeasuredLine none;
  const auto found = figure.measured.find(line);
  return found == figure.measured.end() ? none : found->second;
}

const PublishedLine& published_line(const Figure& figure, const std::string& line) {
  static const PublishedLine none;
  const auto found = figure.published.find(line);
  return found == figure.published.end() ? none : found->second;
}

// True when the interval, or the median where there is none, comes within `low` to `high`.
bool overlaps(const MedianInterval& measured, double low, double high) {
  const double least = measured.bounds ? measured.bounds->low : measured.median;
  const double most = measured.bounds ? measured.bounds->high : measured.median;
  return least <= high && most >= low;
}

// The place where the sign of log(one / other) changes from below to above; 0: never below;
// infinity: never above.
double crossing(const RoundLine& one, const RoundLine& other) {
  std::optional<std::pair<double, double>> before;
  for (const auto& [x, y] : one) {
    const auto there = other.find(x);
    if (there == other.end()) continue;
    const double difference = std::log(y / there->second);
    if (difference >= 0) {
      if (!before) return 0;
      const auto [x0, d0] = *before;
      const double part = -d0 / (difference - d0);
      return std::exp(std::log(x0) + part * (std::log(x) - std::log(x0)));
    }
    before = {x, difference};
  }
  return std::numeric_limits<double>::infinity();
}

std::string number(double value) {
  if (value == 0) return "0";
  if (std::isinf(value)) return "never";
  const double size = std::abs(value);
  if (size >= 1000) return fmt::format("{:.0f}", value);
  return size >= 100 ? fmt::format("{:.0f}", value) : fmt::format("{:.3g}", value);
}

std::string number(const MedianInterval& value) {
  return value.bounds ? fmt::format("{} [{}, {}]", number(value.median), number(value.bounds->low),
                                    number(value.bounds->high))
                      : number(value.median);
}

}  // namespace

std::string_view to_string(ShapeVerdict verdict) noexcept {
  switch (verdict) {
    case ShapeVerdict::reproduced:
      return "reproduced";
    case ShapeVerdict::differs:
      return "differs";
    case ShapeVerdict::not_possible_here:
      return "not possible here";
  }
  return "";
}

Shape compare_slope(const Figure& figure, const std::string& line) {
  Shape shape;
  shape.what = fmt::format("slope of {}", line);
  const PublishedLine& published = published_line(figure, line);
  const MeasuredLine& measured = measured_line(figure, line);
  std::vector<double> slopes;
  std::set<double> places;
  for (std::size_t round = 0; round < round_count(measured); ++round) {
    const RoundLine values = in_round(measured, round, published);
    for (const auto& [x, y] : values) places.insert(x);
    if (const auto value = slope(values)) slopes.push_back(*value);
  }
  RoundLine same_places;
  for (const auto& [x, y] : published) {
    if (places.contains(x)) same_places[x] = y;
  }
  shape.published = slope(same_places);
  if (slopes.empty() || !shape.published) {
    shape.how = "fewer than two places could be measured";
    return shape;
  }
  shape.measured = median_interval(slopes);
  const bool same = overlaps(*shape.measured, *shape.published - slope_tolerance,
                             *shape.published + slope_tolerance);
  shape.verdict = same ? ShapeVerdict::reproduced : ShapeVerdict::differs;
  if (!same) {
    shape.how = shape.measured->median > *shape.published ? "it grows faster here"
                                                          : "it grows more slowly here";
  }
  return shape;
}

Shape compare_ratio(const Figure& figure, const std::string& above, const std::string& below,
                    double at) {
  Shape shape;
  shape.what = fmt::format("{} / {} at {}", above, below, number(at));
  const PublishedLine& one = published_line(figure, above);
  const PublishedLine& other = published_line(figure, below);
  if (one.contains(at) && other.contains(at)) shape.published = one.at(at) / other.at(at);
  const MeasuredLine& measured_one = measured_line(figure, above);
  const MeasuredLine& measured_other = measured_line(figure, below);
  std::vector<double> ratios;
  const auto rounds_one = measured_one.rounds.find(at);
  const auto rounds_other = measured_other.rounds.find(at);
  if (rounds_one != measured_one.rounds.end() && rounds_other != measured_other.rounds.end()) {
    const std::size_t rounds = std::min(rounds_one->second.size(), rounds_other->second.size());
    for (std::size_t i = 0; i < rounds; ++i) {
      ratios.push_back(rounds_one->second[i] / rounds_other->second[i]);
    }
  }
  if (ratios.empty()) {
    const MeasuredLine& missing =
        rounds_one == measured_one.rounds.end() ? measured_one : measured_other;
    const auto why = missing.not_possible.find(at);
    shape.how = why == missing.not_possible.end() ? "not measured" : why->second;
    return shape;
  }
  shape.measured = median_interval(ratios);
  if (!shape.published) {
    shape.how = "nothing was published to compare it with";
    return shape;
  }
  const double published = *shape.published;
  if (overlaps(*shape.measured, published / factor_tolerance, published * factor_tolerance)) {
    shape.verdict = ShapeVerdict::reproduced;
    return shape;
  }
  shape.verdict = ShapeVerdict::differs;
  const bool same_side = (shape.measured->median > 1) == (published > 1);
  shape.how = fmt::format(
      "{}, {} times as large",
      same_side ? "the same line is the higher one" : "the other line is the higher one",
      number(shape.measured->median / published));
  return shape;
}

Shape compare_crossing(const Figure& figure, const std::string& one, const std::string& other) {
  Shape shape;
  shape.what = fmt::format("where {} stops being below {}", one, other);
  const PublishedLine& line = published_line(figure, one);
  const PublishedLine& line_other = published_line(figure, other);
  const MeasuredLine& measured = measured_line(figure, one);
  const MeasuredLine& measured_other = measured_line(figure, other);
  const std::size_t rounds = std::min(round_count(measured), round_count(measured_other));
  std::vector<double> places;
  places.reserve(rounds);
  for (std::size_t i = 0; i < rounds; ++i) {
    places.push_back(crossing(in_round(measured, i, {}), in_round(measured_other, i, {})));
  }
  if (!line.empty() && !line_other.empty()) {
    shape.published = crossing({line.begin(), line.end()}, {line_other.begin(), line_other.end()});
  }
  if (places.empty()) {
    shape.how = "not measured";
    return shape;
  }
  shape.measured = median_interval(places);
  if (!shape.published) {
    shape.how = "nothing was published to compare it with";
    return shape;
  }
  const double published = *shape.published;
  const bool same =
      published > 0 && std::isfinite(published)
          ? overlaps(*shape.measured, published / factor_tolerance, published * factor_tolerance)
          : shape.measured->median == published;
  shape.verdict = same ? ShapeVerdict::reproduced : ShapeVerdict::differs;
  if (!same) {
    shape.how = fmt::format("here at {}", number(shape.measured->median));
  }
  return shape;
}

std::string to_text(const Figure& figure) {
  std::string out = fmt::format("{}: {}\n  source: {}\n  method: {}\n", figure.id, figure.title,
                                figure.source, figure.method);
  if (!figure.differs.empty()) out += fmt::format("  differs: {}\n", figure.differs);
  std::set<double> places;
  for (const auto& [name, line] : figure.published) {
    for (const auto& [x, y] : line) places.insert(x);
  }
  for (const auto& [name, line] : figure.measured) {
    for (const auto& [x, y] : line.rounds) places.insert(x);
    for (const auto& [x, y] : line.not_possible) places.insert(x);
  }
  out += fmt::format("\n  published: {}; measured: {}\n  {:>10}", figure.published_unit,
                     figure.measured_unit, figure.axis);
  for (const std::string& line : figure.lines) out += fmt::format("  {:>12} {:>26}", line, "here");
  out += "\n";
  for (const double x : places) {
    out += fmt::format("  {:>10}", number(x));
    for (const std::string& name : figure.lines) {
      const PublishedLine& published = published_line(figure, name);
      const MeasuredLine& measured = measured_line(figure, name);
      const auto rounds = measured.rounds.find(x);
      out += fmt::format("  {:>12} {:>26}", published.contains(x) ? number(published.at(x)) : "-",
                         rounds != measured.rounds.end() ? number(median_interval(rounds->second))
                         : measured.not_possible.contains(x) ? "not possible"
                                                             : "-");
    }
    out += "\n";
  }
  out += "\n";
  for (const Shape& shape : figure.shapes) {
    out += fmt::format("  {:<44} published {:>8}, here {:>22}: {}{}\n", shape.what,
                       shape.published ? number(*shape.published) : "-",
                       shape.measured ? number(*shape.measured) : "-", to_string(shape.verdict),
                       shape.how.empty() ? "" : " (" + shape.how + ")");
  }
  for (const std::string& note : figure.notes) out += "  " + note + "\n";
  return out;
}

nlohmann::ordered_json to_json(const Figure& figure) {
  using Json = nlohmann::ordered_json;
  const auto finite = [](double value) {
    return std::isfinite(value) ? Json(value) : Json("never");
  };
  const auto interval = [&](const MedianInterval& value) {
    Json json{{"median", finite(value.median)}, {"low", nullptr}, {"high", nullptr}};
    if (value.bounds) {
      json["low"] = finite(value.bounds->low);
      json["high"] = finite(value.bounds->high);
    }
    return json;
  };
  Json json{{"figure", figure.id},
            {"title", figure.title},
            {"source", figure.source},
            {"method", figure.method},
            {"differs", figure.differs},
            {"axis", figure.axis},
            {"published_unit", figure.published_unit},
            {"measured_unit", figure.measured_unit}};
  json["lines"] = Json::array();
  for (const std::string& name : figure.lines) {
    Json line{{"name", name},
              {"published", Json::array()},
              {"measured", Json::array()},
              {"not_possible", Json::array()}};
    for (const auto& [x, y] : published_line(figure, name)) {
      line["published"].push_back({{"x", x}, {"y", y}});
    }
    for (const auto& [x, rounds] : measured_line(figure, name).rounds) {
      Json point = interval(median_interval(rounds));
      point["x"] = x;
      point["rounds"] = rounds;
      line["measured"].push_back(std::move(point));
    }
    for (const auto& [x, why] : measured_line(figure, name).not_possible) {
      line["not_possible"].push_back({{"x", x}, {"why", why}});
    }
    json["lines"].push_back(std::move(line));
  }
  json["shapes"] = Json::array();
  for (const Shape& shape : figure.shapes) {
    json["shapes"].push_back(
        {{"what", shape.what},
         {"published", shape.published ? finite(*shape.published) : Json(nullptr)},
         {"measured", shape.measured ? interval(*shape.measured) : Json(nullptr)},
         {"verdict", to_string(shape.verdict)},
         {"how", shape.how}});
  }
  json["notes"] = figure.notes;
  return json;
}

}  // namespace echomux
