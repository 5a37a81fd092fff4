#include "report/figure.hpp"

#include <fmt/core.h>
#include <sys/select.h>

#include <algorithm>
#include <cmath>

#include "harness/text/number_text.hpp"
#include "harness/text/words.hpp"
#include "report/palette.hpp"

namespace echomux {
namespace {

// What passes for the same shape. A published slope is read off a few points of another machine's
// caches; a fifth of an order of growth is less than what distinguishes "grows" from "doesn't".
constexpr double slope_tolerance = 0.2;
// Ratios between lines depend on what a request costs besides the wait, which is different on each
// machine: within a factor of two they tell the same story.
constexpr double factor_tolerance = 2;

// A line as it was measured in one round has the form of a published one.
using RoundLine = PublishedLine;

// On log-log axes.
std::optional<double> slope(const RoundLine& line) {
  std::vector<double> logs_x;
  std::vector<double> logs_y;
  for (const auto& [x, y] : line) {
    logs_x.push_back(std::log(x));
    logs_y.push_back(std::log(y));
  }
  return least_squares_slope(logs_x, logs_y);
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

// What was published at the places that were measured too.
PublishedLine at_same_places(PublishedLine published, const MeasuredLine& measured) {
  std::erase_if(published,
                [&](const auto& place) { return !measured.rounds.contains(place.first); });
  return published;
}

std::size_t round_count(const MeasuredLine& line) {
  std::size_t count = 0;
  for (const auto& [x, rounds] : line.rounds) count = std::max(count, rounds.size());
  return count;
}

// True when the interval, or the median where there is none, comes within `low` to `high`.
bool overlaps(const MedianInterval& measured, double low, double high) {
  const double least = measured.bounds ? measured.bounds->low : measured.median;
  const double most = measured.bounds ? measured.bounds->high : measured.median;
  return least <= high && most >= low;
}

// Gives a shape its measured value, and judges it by a factor. True when how it differs is still to
// be said.
bool differs_by_a_factor(Shape& shape, std::vector<double> by_round) {
  shape.measured = median_interval(std::move(by_round));
  if (!shape.published) {
    shape.verdict = ShapeVerdict::only_measured;
    return false;
  }
  const double published = *shape.published;
  const bool same =
      published > 0 && std::isfinite(published)
          ? overlaps(*shape.measured, published / factor_tolerance, published * factor_tolerance)
          : shape.measured->median == published;
  shape.verdict = same ? ShapeVerdict::reproduced : ShapeVerdict::differs;
  return !same;
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

}  // namespace

std::set<double> places(const Figure& figure) {
  std::set<double> all;
  for (const auto& [name, line] : figure.published) {
    for (const auto& [x, y] : line) all.insert(x);
  }
  for (const auto& [name, line] : figure.measured) {
    for (const auto& [x, rounds] : line.rounds) all.insert(x);
    for (const auto& [x, why] : line.not_possible) all.insert(x);
  }
  return all;
}

std::string_view to_string(Obstacle obstacle) noexcept {
  return word_of(obstacle, {"starved", "own_limit", "machine_limit"});
}

std::string in_brief(const NotPossible& place) {
  if (place.obstacle == Obstacle::own_limit) return fmt::format("limit {}", FD_SETSIZE);
  return place.obstacle == Obstacle::starved ? "starved" : "not possible here";
}

std::string_view to_string(ShapeVerdict verdict) noexcept {
  return word_of(verdict,
                 {"reproduced", "differs", "not possible here", "measured, not published"});
}

Shape compare_slope(const Figure& figure, const std::string& line) {
  Shape shape;
  shape.what = fmt::format("slope of {}", line);
  const PublishedLine& published = line_of(figure.published, line);
  const MeasuredLine& measured = line_of(figure.measured, line);
  PublishedLine compared = at_same_places(published, measured);
  if (compared.size() < 2 && published.size() > 1) {
    // This machine ends before the second place. The direction of what it can do, between the same
    // ends, still says whether the line grows.
    compared = published;
    for (const auto& [x, rounds] : measured.rounds) {
      if (x > published.begin()->first && x < published.rbegin()->first) compared.try_emplace(x);
    }
  }
  std::vector<double> slopes;
  std::set<double> places;
  for (std::size_t round = 0; round < round_count(measured); ++round) {
    const RoundLine values = in_round(measured, round, compared);
    for (const auto& [x, y] : values) places.insert(x);
    if (const auto value = slope(values)) slopes.push_back(*value);
  }
  std::erase_if(compared, [&](const auto& place) { return !published.contains(place.first); });
  shape.published = slope(compared);
  if (slopes.empty() || !shape.published) {
    shape.how = "fewer than two places could be measured";
    return shape;
  }
  if (!published.contains(*places.rbegin())) {
    shape.what += fmt::format(" (here from {} to {})", reader_number(*places.begin()),
                              reader_number(*places.rbegin()));
  }
  shape.measured = median_interval(slopes);
  const bool same = overlaps(*shape.measured, *shape.published - slope_tolerance,
                             *shape.published + slope_tolerance);
  shape.verdict = same ? ShapeVerdict::reproduced : ShapeVerdict::differs;
  if (!same) {
    const bool falls = *shape.published < 0 && shape.measured->median < 0;
    const bool steeper = std::abs(shape.measured->median) > std::abs(*shape.published);
    if (falls) {
      shape.how = steeper ? "it falls faster here" : "it falls more slowly here";
    } else {
      shape.how = shape.measured->median > *shape.published ? "it grows faster here"
                                                            : "it grows more slowly here";
    }
  }
  return shape;
}

Shape compare_ratio(const Figure& figure, const std::string& above, const std::string& below,
                    double at) {
  Shape shape;
  shape.what = fmt::format("{} / {} at {}", above, below, reader_number(at));
  const PublishedLine& one = line_of(figure.published, above);
  const PublishedLine& other = line_of(figure.published, below);
  if (one.contains(at) && other.contains(at)) shape.published = one.at(at) / other.at(at);
  const MeasuredLine& measured_one = line_of(figure.measured, above);
  const MeasuredLine& measured_other = line_of(figure.measured, below);
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
    shape.how = why == missing.not_possible.end() ? "not measured" : why->second.why;
    return shape;
  }
  if (!differs_by_a_factor(shape, ratios)) return shape;
  const double published = *shape.published;
  const bool same_side = (shape.measured->median > 1) == (published > 1);
  shape.how = fmt::format(
      "{}, {} times as large",
      same_side ? "the same line is the higher one" : "the other line is the higher one",
      reader_number(shape.measured->median / published));
  return shape;
}

void add_ratios(Figure& figure, std::initializer_list<const char*> above, const std::string& below,
                std::initializer_list<double> at) {
  for (const double place : at) {
    for (const char* const line : above) {
      figure.shapes.push_back(compare_ratio(figure, line, below, place));
    }
  }
}

void add_slopes(Figure& figure) {
  for (const std::string& line : figure.lines) figure.shapes.push_back(compare_slope(figure, line));
}

Shape compare_crossing(const Figure& figure, const std::string& one, const std::string& other) {
  Shape shape;
  shape.what = fmt::format("where {} stops being below {}", one, other);
  const PublishedLine& line = line_of(figure.published, one);
  const PublishedLine& line_other = line_of(figure.published, other);
  const MeasuredLine& measured = line_of(figure.measured, one);
  const MeasuredLine& measured_other = line_of(figure.measured, other);
  const std::size_t rounds = std::min(round_count(measured), round_count(measured_other));
  std::vector<double> places;
  places.reserve(rounds);
  for (std::size_t i = 0; i < rounds; ++i) {
    places.push_back(crossing(in_round(measured, i, {}), in_round(measured_other, i, {})));
  }
  if (!line.empty() && !line_other.empty()) {
    shape.published = crossing(line, line_other);
  }
  if (places.empty()) {
    shape.how = "not measured";
    return shape;
  }
  if (differs_by_a_factor(shape, places)) {
    shape.how = fmt::format("here at {}", reader_number(shape.measured->median));
  }
  return shape;
}

namespace {

// Those of every scanning line at every place; `of_ratio` takes what counts out of the ratio there.
std::vector<Win> wins(const Figure& figure,
                      std::optional<MedianInterval> (*of_ratio)(const Shape& ratio)) {
  std::vector<Win> found;
  const auto epoll = std::ranges::find(figure.lines, LineKind::epoll, line_kind);
  if (epoll == figure.lines.end()) return found;
  for (const std::string& line : figure.lines) {
    if (line_kind(line) != LineKind::scanning) continue;
    for (const double at : places(figure)) {
      const auto ratio = of_ratio(compare_ratio(figure, line, *epoll, at));
      if (!ratio) continue;
      const double least = ratio->bounds ? ratio->bounds->low : ratio->median;
      const double most = ratio->bounds ? ratio->bounds->high : ratio->median;
      if (figure.more_is_better ? least > 1 : most < 1) found.push_back({line, *epoll, at, *ratio});
    }
  }
  return found;
}

}  // namespace

std::vector<Win> measured_wins(const Figure& figure) {
  return wins(figure, [](const Shape& ratio) {
    // Without an interval it could be chance.
    return ratio.measured && ratio.measured->bounds ? ratio.measured : std::nullopt;
  });
}

std::vector<Win> published_wins(const Figure& figure) {
  return wins(figure, [](const Shape& ratio) -> std::optional<MedianInterval> {
    if (!ratio.published) return std::nullopt;
    return MedianInterval{.median = *ratio.published, .bounds = {}};
  });
}

std::string_view win_verb(const Figure& figure) noexcept {
  return figure.more_is_better ? "does more than" : "costs less than";
}

std::string verdict_in_words(const Figure& figure) {
  const auto count = [&](ShapeVerdict verdict) {
    return std::ranges::count(figure.shapes, verdict, &Shape::verdict);
  };
  const auto compared =
      static_cast<std::ptrdiff_t>(figure.shapes.size()) - count(ShapeVerdict::only_measured);
  if (compared == 0) return {};
  std::string out =
      fmt::format("{} of {} shapes reproduced", count(ShapeVerdict::reproduced), compared);
  if (const auto differ = count(ShapeVerdict::differs); differ > 0) {
    out += fmt::format(", {} {}", differ, differ == 1 ? "differs" : "differ");
  }
  if (const auto missing = count(ShapeVerdict::not_possible_here); missing > 0) {
    out += fmt::format(", {} not possible here", missing);
  }
  return out;
}

}  // namespace echomux
