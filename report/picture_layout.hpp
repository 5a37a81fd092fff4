#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report/figure.hpp"

namespace echomux {

// Where everything of a figure's picture goes, worked out before gnuplot sees it. Lengths are
// pixels of the SVG, from its left or upper edge; positions on axes are in the axes' own units.

struct PicturePoint {
  double x = 0;
  double y = 0;
  std::optional<MedianInterval::Bounds> bounds;
};

// One line in one panel. It is drawn in stretches: not across a place where it is missing.
struct PictureLine {
  std::string name;
  std::vector<std::vector<PicturePoint>> stretches;
  [[nodiscard]] bool has_bounds() const;
};

// A line's name at its right end.
struct EndLabel {
  std::string line;
  bool beside_panel = true;  // right of the panel; else within it, where the line ends early
  double x = 0;              // only within the panel
  double y = 0;
  bool right_aligned = false;          // only within the panel
  std::optional<PicturePoint> leader;  // where a thin line to the label begins: it was pushed away
};

// A remark about places on the axis, such as "select: limit 1024", in a row of its own at the upper
// or lower edge, with a mark at each of the places.
struct Remark {
  std::string text;
  std::string line;  // whose colour the marks have; empty: several lines'
  std::vector<double> at;
  double text_x = 0;     // the middle of the text, as a share of the panel's width
  std::size_t row = 0;   // counted from the edge
  double half_text = 0;  // half of its width, as a share of the panel's
};

// A logarithmic axis.
struct PictureAxis {
  double low = 0;
  double high = 0;
  std::vector<double> ticks;

  // How far along it a value stands, from 0 to 1; and the value that stands there.
  [[nodiscard]] double share(double value) const;
  [[nodiscard]] double value(double share) const;
};

struct PicturePanel {
  std::string heading;
  std::string unit;
  std::vector<PictureLine> lines;
  std::vector<EndLabel> labels;
  std::vector<Remark> obstacles;  // at the upper edge
  std::vector<Remark> wins;       // at the lower edge
  PictureAxis y;
  double left = 0;
};

struct PictureLayout {
  double width = 0;
  double height = 0;
  double panel_top = 0;
  double panel_width = 0;
  double panel_height = 0;
  std::vector<PicturePanel> panels;  // one or two
  PictureAxis x;                     // the same in all panels
  std::optional<double> zero;        // where 0 is shown on the logarithmic axis
  std::vector<std::string> title;
  std::string verdict;
  std::vector<std::string> small_print;
};

inline constexpr double remark_row_height = 30;

[[nodiscard]] PictureLayout lay_out(const Figure& figure, const FigureContext& context);

}  // namespace echomux
