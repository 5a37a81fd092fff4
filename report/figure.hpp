#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "harness/bench/sweep.hpp"
#include "harness/load/load.hpp"
#include "harness/machine/build_info.hpp"
#include "harness/machine/machine.hpp"
#include "harness/stats/statistics.hpp"
#include "report/cost_fit.hpp"

namespace echomux {

class Json;

// One line of a published chart: its values by what stands on the axis (descriptors, idle
// connections, clients). A missing value was not published.
using PublishedLine = std::map<double, double>;

// What kept a line from being measured at a place.
enum class Obstacle : std::uint8_t {
  starved,       // peers were connected but got no answer: the server serves others
  own_limit,     // the method ends there, as select does at FD_SETSIZE
  machine_limit  // this machine has not enough of something, mostly descriptors
};
// As JSON has it: "starved", "own_limit", "machine_limit".
[[nodiscard]] std::string_view to_string(Obstacle obstacle) noexcept;

struct NotPossible {
  Obstacle obstacle = Obstacle::machine_limit;
  std::string why;  // for a reader
};
// In two or three words, such as "limit 1024".
[[nodiscard]] std::string in_brief(const NotPossible& place);

// The same line measured here: at each place on the axis a value per round, or why there is none.
struct MeasuredLine {
  std::map<double, std::vector<double>> rounds;
  std::map<double, NotPossible> not_possible;
};

// Another quantity that was measured in the same rounds.
struct Panel {
  std::string title;  // what it is, such as "99th percentile of the latency"
  std::string unit;
  std::map<std::string, MeasuredLine> measured;
};

// What is said about a chart's shape, and whether it is so here too.
enum class ShapeVerdict : std::uint8_t {
  reproduced,
  differs,
  not_possible_here,
  only_measured  // nothing was published to compare it with
};
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
  std::string method;      // what the source did
  std::string differs;     // where it had to be done otherwise; empty: nowhere
  std::string axis;        // what N counts, in a word that can follow a number: "1,000 active"
  std::string axis_label;  // the same for a picture's axis: "active connections, of 1,000"
  std::string published_unit;
  std::string measured_unit;
  bool more_is_better = false;     // true of throughput, false of cost and time
  std::optional<Load> load;        // what every place has in common, where it is one of a server
  std::vector<std::string> lines;  // in the order in which they are shown
  std::map<std::string, PublishedLine> published;
  std::map<std::string, MeasuredLine> measured;
  std::optional<Panel> second;  // on the same axis
  std::optional<CostFit> fit;
  std::vector<Shape> shapes;
  std::vector<std::string> notes;  // sentences that follow from the figures
};

// Every place on the axis that was published, measured or found not possible, in order.
[[nodiscard]] std::set<double> places(const Figure& figure);

// The line of that name among those published or measured; one without any places where there is
// none.
template <typename Line>
[[nodiscard]] const Line& line_of(const std::map<std::string, Line>& lines,
                                  const std::string& name) {
  static const Line none;
  const auto found = lines.find(name);
  return found == lines.end() ? none : found->second;
}

// --- shapes, each worked out once per round, so that they have an interval ---

// Adds to the figure's shapes how many times as high each of the lines `above` is as `below`, at
// each of these places.
void add_ratios(Figure& figure, std::initializer_list<const char*> above, const std::string& below,
                std::initializer_list<double> at);

// Adds to the figure's shapes the slope of each of its lines.
void add_slopes(Figure& figure);

// The slope of the line on log-log axes, by least squares over the places that both have: 0 is a
// line that doesn't grow, 1 one that grows in proportion. Where this machine reaches only one of
// the published places, all that was measured between the first and the last of them counts.
[[nodiscard]] Shape compare_slope(const Figure& figure, const std::string& line);

// How many times as high the line `above` is as `below` at one place.
[[nodiscard]] Shape compare_ratio(const Figure& figure, const std::string& above,
                                  const std::string& below, double at);

// The first place at which `one` is no longer the lower of the two, between places on a straight
// line of log-log axes. Where it never is, or always, that is the answer.
[[nodiscard]] Shape compare_crossing(const Figure& figure, const std::string& one,
                                     const std::string& other);

// A place at which select or poll, which look at every descriptor, does better than epoll.
struct Win {
  std::string scanning;
  std::string epoll;
  double at = 0;
  MedianInterval ratio;  // scanning / epoll, without bounds where it was published
};
// Measured: those where the whole interval of the ratio is on that side. Published: where the one
// number is.
[[nodiscard]] std::vector<Win> measured_wins(const Figure& figure);
[[nodiscard]] std::vector<Win> published_wins(const Figure& figure);
// "costs less than", or "does more than" where more is better.
[[nodiscard]] std::string_view win_verb(const Figure& figure) noexcept;

// "12 of 12 shapes reproduced", "9 of 12 shapes reproduced, 2 differ, 1 not possible here"; empty
// without shapes that could be compared.
[[nodiscard]] std::string verdict_in_words(const Figure& figure);

// --- showing ---

// Published and measured side by side, the shapes and their verdicts, method and notes.
[[nodiscard]] std::string to_text(const Figure& figure);
[[nodiscard]] Json to_json(const Figure& figure);

// Where, with what and how figures were measured.
struct FigureContext {
  std::string started;  // ISO 8601, UTC
  std::vector<std::string> command;
  Build build;
  Machine machine;
};
// One document with all of these figures, each as to_json() gave it.
[[nodiscard]] Json to_json(const FigureContext& context, Json figures);

// --- all figures ---

// What a figure is measured with.
struct FigureRun {
  std::function<void(const std::string&)> progress;  // told what is being measured
  std::stop_token stop;
  // How the server that a line stands for is run here. Throws std::exception where there is none.
  std::function<SweepServer(const std::string& line)> server;
};

struct FigureEntry {
  std::string_view id;
  std::string_view title;
  int seconds;                       // about how long it takes on a machine with two CPUs
  void (*describe)(Figure& figure);  // what was published, and how: all but the id
  // In the calling thread. Throws std::exception when that isn't possible.
  void (*measure)(Figure& figure, const FigureRun& run);
};
// The entry's figure with nothing measured yet.
[[nodiscard]] Figure unmeasured(const FigureEntry& entry);
[[nodiscard]] const std::vector<FigureEntry>& figures();

}  // namespace echomux
