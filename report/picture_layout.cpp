#include "report/picture_layout.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "harness/text/number_text.hpp"
#include "harness/text/text_width.hpp"
#include "harness/text/words.hpp"
#include "report/label_places.hpp"

namespace echomux {
namespace {

constexpr double margin = 24;
constexpr double axis_room = 66;  // left of a panel, for the numbers on its axis
constexpr double plot_height = 350;
constexpr double least_decades = 1;

// What a text takes in a wide sans-serif font, for which one will be there isn't known.
double text_width(std::string_view text, double size) {
  return 0.6 * size * static_cast<double>(display_width(text));
}

using MeasuredLines = std::map<std::string, MeasuredLine>;

// As if each number that was published had been measured once.
MeasuredLines as_measured(const std::map<std::string, PublishedLine>& published) {
  MeasuredLines lines;
  for (const auto& [name, values] : published) {
    for (const auto& [x, y] : values) lines[name].rounds[x] = {y};
  }
  return lines;
}

std::vector<PictureLine> measured_lines(const Figure& figure, const MeasuredLines& measured) {
  std::vector<PictureLine> lines;
  for (const std::string& name : figure.lines) {
    const MeasuredLine& of_rounds = line_of(measured, name);
    if (of_rounds.rounds.empty()) continue;
    PictureLine line{name, {{}}};
    for (const double x : places(figure)) {
      const auto rounds = of_rounds.rounds.find(x);
      if (rounds != of_rounds.rounds.end()) {
        const MedianInterval value = median_interval(rounds->second);
        line.stretches.back().push_back({x, value.median, value.bounds});
      } else if (of_rounds.not_possible.contains(x) && !line.stretches.back().empty()) {
        line.stretches.emplace_back();
      }
    }
    if (line.stretches.back().empty()) line.stretches.pop_back();
    lines.push_back(std::move(line));
  }
  return lines;
}

// Lines that lack the same places for the same reason share a remark.
std::vector<Remark> obstacle_remarks(const Figure& figure, const MeasuredLines& measured) {
  std::map<std::pair<std::string, std::vector<double>>, std::vector<std::string>> grouped;
  for (const std::string& name : figure.lines) {
    std::map<std::string, std::vector<double>> by_reason;
    for (const auto& [x, missing] : line_of(measured, name).not_possible) {
      by_reason[in_brief(missing)].push_back(x);
    }
    for (const auto& [reason, at] : by_reason) grouped[{reason, at}].push_back(name);
  }
  std::vector<Remark> remarks;
  for (const auto& [what, names] : grouped) {
    Remark remark;
    remark.text = fmt::format("{}: {}", joined(names, ", "), what.first);
    if (names.size() == 1) remark.line = names.front();
    remark.at = what.second;
    remarks.push_back(std::move(remark));
  }
  return remarks;
}

std::vector<Remark> win_remarks(const Figure& figure, const std::vector<Win>& wins) {
  std::vector<Remark> remarks;
  for (const std::string& name : figure.lines) {
    Remark remark;
    remark.line = name;
    double least = 0;
    double most = 0;
    for (const Win& win : wins) {
      if (win.scanning != name) continue;
      const double ratio = win.ratio.median;
      least = remark.at.empty() ? ratio : std::min(least, ratio);
      most = remark.at.empty() ? ratio : std::max(most, ratio);
      remark.at.push_back(win.at);
      remark.text = fmt::format("{} {} {}: {} times", name, win_verb(figure), win.epoll,
                                reader_number(win.ratio));
      if (reader_number(least) != reader_number(most)) {
        remark.text = fmt::format("{} {} {}: {} to {} times", name, win_verb(figure), win.epoll,
                                  reader_number(least), reader_number(most));
      }
    }
    if (!remark.at.empty()) remarks.push_back(std::move(remark));
  }
  return remarks;
}

std::vector<PicturePanel> make_panels(const Figure& figure) {
  std::vector<PicturePanel> panels;
  const auto add = [&](const std::string& heading, const std::string& unit,
                       const MeasuredLines& lines, const std::vector<Win>& wins) {
    PicturePanel& panel = panels.emplace_back();
    panel.heading = heading;
    panel.unit = unit;
    panel.lines = measured_lines(figure, lines);
    panel.obstacles = obstacle_remarks(figure, lines);
    panel.wins = win_remarks(figure, wins);
  };
  if (!figure.published.empty()) {
    add("As published", figure.published_unit, as_measured(figure.published),
        published_wins(figure));
  }
  add("Measured here", figure.measured_unit, figure.measured, measured_wins(figure));
  if (figure.second) {
    const Panel& second = *figure.second;
    add("Measured here: " + second.title, second.unit, second.measured, {});
  }
  return panels;
}

double x_position(const PictureLayout& layout, double x) {
  const double shown = x == 0 && layout.zero ? *layout.zero : x;
  return layout.panel_width * layout.x.share(shown);
}

void lay_out_x(PictureLayout& layout, const Figure& figure) {
  const std::set<double> all = places(figure);
  const auto positive = all.upper_bound(0);
  const double least = positive == all.end() ? 1 : *positive;
  const double most = positive == all.end() ? 10 : *all.rbegin();
  double decades = std::log10(most / least);
  double low = least;
  if (all.contains(0)) {
    const double gap = decades == 0 ? 1 : std::max(0.5, 0.25 * decades);
    low = least / std::pow(10, gap);
    layout.zero = low;
    decades += gap;
  }
  const double pad = std::max(0.1, 0.06 * decades);
  layout.x.low = low / std::pow(10, pad);
  layout.x.high = most * std::pow(10, pad);
  // Numbers that have no room beside the next are left out, from the right: the last is wanted
  // most.
  double free_until = layout.panel_width + axis_room;
  for (auto x = all.rbegin(); x != all.rend(); ++x) {
    const double half = text_width(reader_number(*x), 11) / 2;
    const double at = x_position(layout, *x);
    if (at + half > free_until) continue;
    layout.x.ticks.push_back(*x);
    free_until = at - half - 8;
  }
  std::ranges::reverse(layout.x.ticks);
}

// Rows from the edge on; each remark in the first one that has room for its text and its marks.
std::size_t lay_out_remarks(const PictureLayout& layout, std::vector<Remark>& remarks) {
  struct Extent {
    double from;
    double to;
  };
  std::vector<std::vector<Extent>> rows;
  for (Remark& remark : remarks) {
    double first = layout.panel_width;
    double last = 0;
    for (const double x : remark.at) {
      first = std::min(first, x_position(layout, x));
      last = std::max(last, x_position(layout, x));
    }
    const double half = text_width(remark.text, 11.5) / 2;
    double middle = (first + last) / 2;
    middle = std::max(half + 4, std::min(middle, layout.panel_width - half));
    const Extent own{std::min(first - 6, middle - half) - 6, std::max(last + 6, middle + half) + 6};
    std::size_t row = 0;
    const auto taken = [&] {
      return std::ranges::any_of(rows[row], [&](const Extent& other) {
        return own.from < other.to && other.from < own.to;
      });
    };
    while (row < rows.size() && taken()) ++row;
    if (row == rows.size()) rows.emplace_back();
    rows[row].push_back(own);
    remark.row = row;
    remark.text_x = middle / layout.panel_width;
    remark.half_text = half / layout.panel_width;
  }
  return rows.size();
}

std::pair<double, double> least_and_most(const PicturePanel& panel) {
  double least = std::numeric_limits<double>::infinity();
  double most = 0;
  const auto take = [&](double y) {
    if (y <= 0 || !std::isfinite(y)) return;  // has no place on a logarithmic axis
    least = std::min(least, y);
    most = std::max(most, y);
  };
  for (const PictureLine& line : panel.lines) {
    for (const auto& stretch : line.stretches) {
      for (const PicturePoint& point : stretch) {
        take(point.y);
        if (point.bounds) take(point.bounds->low);
        if (point.bounds) take(point.bounds->high);
      }
    }
  }
  return most > 0 ? std::pair(least, most) : std::pair(1.0, 10.0);
}

std::vector<double> decade_ticks(double low, double high) {
  std::vector<double> ticks;
  const bool few = std::log10(high / low) < 2.2;
  for (int power = static_cast<int>(std::floor(std::log10(low))); power <= 15; ++power) {
    for (const double digit : {1.0, 2.0, 5.0}) {
      const double tick = digit * std::pow(10, power);
      if (tick > high) return ticks;
      if (tick >= low && (few || digit == 1)) ticks.push_back(tick);
    }
  }
  return ticks;
}

// All panels get the same number of decades, so that equal slopes look equal.
void lay_out_y(PictureLayout& layout) {
  std::size_t upper_rows = 0;
  std::size_t lower_rows = 0;
  double decades = least_decades;
  for (PicturePanel& panel : layout.panels) {
    upper_rows = std::max(upper_rows, lay_out_remarks(layout, panel.obstacles));
    lower_rows = std::max(lower_rows, lay_out_remarks(layout, panel.wins));
    const auto [least, most] = least_and_most(panel);
    decades = std::max(decades, std::log10(most / least));
  }
  const double pad = 14;
  const double above = pad + remark_row_height * static_cast<double>(upper_rows);
  const double below = pad + remark_row_height * static_cast<double>(lower_rows);
  layout.panel_height = plot_height + above + below;
  const double per_pixel = decades / plot_height;
  for (PicturePanel& panel : layout.panels) {
    const auto [least, most] = least_and_most(panel);
    const double low = (std::log10(least) + std::log10(most) - decades) / 2;
    panel.y.low = std::pow(10, low - below * per_pixel);
    panel.y.high = std::pow(10, low + decades + above * per_pixel);
    panel.y.ticks = decade_ticks(std::pow(10, low - pad * per_pixel),
                                 std::pow(10, low + decades + pad * per_pixel));
    const LabelArea area{.width = layout.panel_width,
                         .height = layout.panel_height,
                         .top = above - pad,
                         .bottom = layout.panel_height - below + pad,
                         .x = layout.x,
                         .y = panel.y,
                         .zero = layout.zero};
    panel.labels = place_labels(panel.lines, area);
  }
}

std::vector<std::string> small_print(const Figure& figure, const FigureContext& context,
                                     double width) {
  std::vector<std::string> sentences;
  if (figure.fit) sentences = in_words(*figure.fit, figure.lines);
  std::size_t rounds = 0;
  for (const auto& [name, line] : figure.measured) {
    for (const auto& [x, values] : line.rounds) rounds = std::max(rounds, values.size());
  }
  sentences.push_back(fmt::format(
      "Points: medians of {} rounds; bands: their 95 % intervals.{}", rounds,
      figure.published.empty() ? ""
                               : " Both panels span the same number of decades on either "
                                 "axis, so slopes can be compared by eye."));
  sentences.push_back(fmt::format("Source: {}. Method: {}.", figure.source, figure.method));
  if (!figure.differs.empty()) sentences.push_back(fmt::format("Here: {}.", figure.differs));
  sentences.push_back(fmt::format(
      "{}, {} CPUs{}; {}; echomux {} ({}), {}", context.machine.cpu_model,
      context.machine.cpus_usable, context.machine.hypervisor.empty() ? "" : ", virtual machine",
      context.machine.kernel, context.build.version, context.build.git_commit, context.started));
  std::vector<std::string> lines;
  for (const std::string& sentence : sentences) {
    const auto wrapped =
        wrap_words(sentence, static_cast<std::size_t>((width - 2 * margin) / (0.6 * 10.5)));
    lines.insert(lines.end(), wrapped.begin(), wrapped.end());
  }
  return lines;
}

}  // namespace

double PictureAxis::share(double value) const {
  return std::log10(value / low) / std::log10(high / low);
}

double PictureAxis::value(double share) const {
  return low * std::pow(high / low, share);
}

bool PictureLine::has_bounds() const {
  return std::ranges::any_of(stretches, [](const auto& stretch) {
    return std::ranges::any_of(stretch,
                               [](const PicturePoint& point) { return point.bounds.has_value(); });
  });
}

PictureLayout lay_out(const Figure& figure, const FigureContext& context) {
  PictureLayout layout;
  layout.panels = make_panels(figure);
  const bool alone = layout.panels.size() == 1;
  layout.width = alone ? 900 : 1120;
  double label_room = 40;
  for (const std::string& line : figure.lines) {
    label_room = std::max(label_room, text_width(line, 13) + 14);
  }
  const auto count = static_cast<double>(layout.panels.size());
  const double share = (layout.width - 2 * margin + 12) / count;
  layout.panel_width = share - axis_room - label_room;
  for (std::size_t i = 0; i < layout.panels.size(); ++i) {
    layout.panels[i].left = margin - 12 + axis_room + share * static_cast<double>(i);
  }
  std::string title = figure.title;
  if (!title.empty() && title.front() >= 'a' && title.front() <= 'z') {
    title.front() = static_cast<char>(title.front() - 'a' + 'A');
  }
  layout.title =
      wrap_words(title, static_cast<std::size_t>((layout.width - 2 * margin) / (0.62 * 18)));
  layout.verdict = verdict_in_words(figure);
  if (layout.verdict.empty()) layout.verdict = "measured here; nothing was published as numbers";
  lay_out_x(layout, figure);
  layout.panel_top = 28 + 22 * static_cast<double>(layout.title.size()) + 20 + 62;
  lay_out_y(layout);
  layout.small_print = small_print(figure, context, layout.width);
  layout.height = layout.panel_top + layout.panel_height + 68 +
                  16 * static_cast<double>(layout.small_print.size()) + 6;
  return layout;
}

}  // namespace echomux
