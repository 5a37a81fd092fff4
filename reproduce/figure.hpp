#pragma once

#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "harness/statistics.hpp"

namespace echomux {

// One line of a published chart: its values by what stands on the axis (descriptors, idle
// connections, clients). A missing value was not published.
using PublishedLine = std::map<double, double>;

// The same line measured here: at each place on the axis a value per round, or why there is none.
struct MeasuredLine {
  std::map<double, std::vector<double>> rounds;
  std::map<double, std::string> not_possible;
};

// What is said about a chart's shape, and whether it is so here too.
enum class ShapeVerdict : std::uint8_t { reproduced, differs, not_possible_here };
[[nodiscard]] std::string_view to_string(ShapeVerdict verdict) noexcept;

struct Shape {
  std::string what;                 // such as "slope of poll"
  std::optional<double> published;  // none: only the direction, or nothing, was published
  std::optional<MedianInterval> measured;
  ShapeVerdict verdict = ShapeVerdict::not_possible_here;
  std::string how;  // how it differs, or why it is not possible
};

// A published figure made again.
struct Figure {
  std::string id;
  std::string title;
  std::string source;
  std::string method;   // what the source did
  std::string differs;  // where it had to be done otherwise; empty: nowhere
  std::string axis;     // what N counts
  std::string published_unit;
  std::string measured_unit;
  std::vector<std::string> lines;  // in the order in which they are shown
  std::map<std::string, PublishedLine> published;
  std::map<std::string, MeasuredLine> measured;
  std::vector<Shape> shapes;
  std::vector<std::string> notes;  // sentences that follow from the figures
};

// --- shapes, each worked out once per round, so that they have an interval ---

// The slope of the line on log-log axes, by least squares over the places that both have: 0 is a
// line that doesn't grow, 1 one that grows in proportion.
[[nodiscard]] Shape compare_slope(const Figure& figure, const std::string& line);

// How many times as high the line `above` is as `below` at one place.
[[nodiscard]] Shape compare_ratio(const Figure& figure, const std::string& above,
                                  const std::string& below, double at);

// The first place at which `one` is no longer the lower of the two, between places on a straight
// line of log-log axes. Where it never is, or always, that is the answer.
[[nodiscard]] Shape compare_crossing(const Figure& figure, const std::string& one,
                                     const std::string& other);

// --- showing ---

// Published and measured side by side, the shapes and their verdicts, method and notes.
[[nodiscard]] std::string to_text(const Figure& figure);
[[nodiscard]] nlohmann::ordered_json to_json(const Figure& figure);

// --- all figures ---

struct FigureEntry {
  std::string_view id;
  std::string_view title;
  // Measures it; `progress` is told what is being measured.
  Figure (*make)(const std::function<void(const std::string&)>& progress, const std::stop_token&);
};
[[nodiscard]] const std::vector<FigureEntry>& figures();

}  // namespace echomux
