#pragma once

#include <optional>
#include <vector>

#include "report/picture_layout.hpp"

namespace echomux {

// A panel in pixels from its upper left corner, and what its axes span.
struct LabelArea {
  double width = 0;
  double height = 0;
  double top = 0;  // labels stay between these
  double bottom = 0;
  PictureAxis x;
  PictureAxis y;
  std::optional<double> zero;
};

// Where each line's name goes, at its right end: beside the panel where the line reaches its right
// edge, next to its last point where it ends before. Names that would overlap are pushed apart, and
// those within the panel keep off the lines where there is any room.
[[nodiscard]] std::vector<EndLabel> place_labels(const std::vector<PictureLine>& lines,
                                                 const LabelArea& area);

}  // namespace echomux
