#include "report/label_places.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "harness/text/text_width.hpp"

namespace echomux {
namespace {

constexpr double line_height = 17;
constexpr double character_width = 7.8;

struct Pixel {
  double x = 0;
  double y = 0;
};

struct Box {
  double left;
  double top;
  double right;
  double bottom;
  [[nodiscard]] bool contains(const Pixel& pixel) const {
    constexpr double air = 3;
    return pixel.x > left - air && pixel.x < right + air && pixel.y > top - air &&
           pixel.y < bottom + air;
  }
  [[nodiscard]] bool overlaps(const Box& other) const {
    return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
  }
};

Pixel to_pixel(const LabelArea& area, double x, double y) {
  const double shown = x == 0 && area.zero ? *area.zero : x;
  // Zero has no logarithm.
  return {area.width * area.x.share(std::max(shown, area.x.low)),
          area.height * (1 - area.y.share(std::max(y, area.y.low)))};
}

// Every few pixels along every line: what a name within the panel should not cover.
std::vector<Pixel> trace(const std::vector<PictureLine>& lines, const LabelArea& area) {
  constexpr int steps = 60;
  std::vector<Pixel> pixels;
  for (const PictureLine& line : lines) {
    for (const auto& stretch : line.stretches) {
      for (std::size_t i = 0; i < stretch.size(); ++i) {
        const Pixel here = to_pixel(area, stretch[i].x, stretch[i].y);
        pixels.push_back(here);
        if (i == 0) continue;
        const Pixel before = to_pixel(area, stretch[i - 1].x, stretch[i - 1].y);
        for (int k = 1; k < steps; ++k) {
          const double part = static_cast<double>(k) / steps;
          pixels.push_back(
              {before.x + part * (here.x - before.x), before.y + part * (here.y - before.y)});
        }
      }
    }
  }
  return pixels;
}

// Moves heights that are too close apart, each group about its own middle, and all into the area.
std::vector<double> push_apart(const std::vector<double>& wanted, const LabelArea& area) {
  struct Group {
    double sum;  // of where its members' first would be
    std::size_t count;
    [[nodiscard]] double first() const { return sum / static_cast<double>(count); }
  };
  std::vector<Group> groups;
  for (const double height : wanted) {
    groups.push_back({height, 1});
    while (groups.size() > 1) {
      const Group& last = groups.back();
      Group& before = groups[groups.size() - 2];
      const double offset = line_height * static_cast<double>(before.count);
      if (before.first() + offset <= last.first()) break;
      before.sum += last.sum - offset * static_cast<double>(last.count);
      before.count += last.count;
      groups.pop_back();
    }
  }
  std::vector<double> heights;
  for (const Group& group : groups) {
    const double extent = line_height * static_cast<double>(group.count - 1);
    const double first =
        std::clamp(group.first(), area.top + 6, std::max(area.top + 6, area.bottom - extent - 6));
    for (std::size_t i = 0; i < group.count; ++i) {
      heights.push_back(first + line_height * static_cast<double>(i));
    }
  }
  return heights;
}

struct LineEnd {
  const PictureLine* line;
  PicturePoint point;
  Pixel pixel;
};

// The names of lines that end at the same place, one above the other to the right of it.
void place_column(std::vector<LineEnd> ends, bool beside_panel, const LabelArea& area,
                  std::vector<EndLabel>& labels) {
  std::ranges::sort(ends, {}, [](const LineEnd& end) { return end.pixel.y; });
  std::vector<double> wanted;
  wanted.reserve(ends.size());
  for (const LineEnd& end : ends) wanted.push_back(end.pixel.y);
  const std::vector<double> heights = push_apart(wanted, area);
  for (std::size_t i = 0; i < ends.size(); ++i) {
    EndLabel label;
    label.line = ends[i].line->name;
    label.beside_panel = beside_panel;
    label.y = area.y.value(1 - heights[i] / area.height);
    const bool pushed = std::abs(heights[i] - ends[i].pixel.y) > 5;
    if (!beside_panel) {
      label.x = area.x.value((ends[i].pixel.x + (pushed ? 18 : 10)) / area.width);
    }
    if (pushed) label.leader = ends[i].point;
    labels.push_back(std::move(label));
  }
}

// The name of a line that ends where others go on: the place around its end that covers least.
void place_within(const LineEnd& end, const std::vector<Pixel>& traced, const LabelArea& area,
                  std::vector<Box>& taken, std::vector<EndLabel>& labels) {
  const double width = character_width * static_cast<double>(display_width(end.line->name));
  struct Offset {
    double x;
    double y;
    bool right_aligned;
  };
  constexpr std::array offsets{
      Offset{10, 0, false},   Offset{8, 14, false}, Offset{8, -14, false}, Offset{-8, -14, true},
      Offset{-8, 14, true},   Offset{-10, 0, true}, Offset{8, 28, false},  Offset{8, -28, false},
      Offset{-8, -28, true},  Offset{-8, 28, true}, Offset{16, 44, false}, Offset{16, -44, false},
      Offset{-16, -44, true}, Offset{-16, 44, true}};
  double least = std::numeric_limits<double>::infinity();
  Box best{};
  EndLabel label;
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    const Offset& offset = offsets[i];
    const double x = end.pixel.x + offset.x;
    const double y = end.pixel.y + offset.y;
    const Box box{offset.right_aligned ? x - width : x, y - line_height / 2,
                  offset.right_aligned ? x : x + width, y + line_height / 2};
    double cost = 0.5 * static_cast<double>(i);
    for (const Pixel& pixel : traced) cost += box.contains(pixel) ? 1 : 0;
    for (const Box& other : taken) cost += box.overlaps(other) ? 1000 : 0;
    if (box.left < 0 || box.right > area.width || box.top < area.top || box.bottom > area.bottom) {
      cost += 1000;
    }
    if (cost >= least) continue;
    least = cost;
    best = box;
    label = {.line = end.line->name,
             .beside_panel = false,
             .x = area.x.value(x / area.width),
             .y = area.y.value(1 - y / area.height),
             .right_aligned = offset.right_aligned,
             .leader = {}};
    if (std::abs(offset.y) > 20) label.leader = end.point;
  }
  taken.push_back(best);
  labels.push_back(std::move(label));
}

}  // namespace

std::vector<EndLabel> place_labels(const std::vector<PictureLine>& lines, const LabelArea& area) {
  std::map<double, std::vector<LineEnd>> by_end;
  for (const PictureLine& line : lines) {
    if (line.stretches.empty() || line.stretches.back().empty()) continue;
    const PicturePoint& point = line.stretches.back().back();
    by_end[point.x].push_back({&line, point, to_pixel(area, point.x, point.y)});
  }
  std::vector<EndLabel> labels;
  if (by_end.empty()) return labels;
  const std::vector<Pixel> traced = trace(lines, area);
  std::vector<Box> taken;
  for (const auto& [x, ends] : by_end) {
    if (x == by_end.rbegin()->first) {
      const bool at_edge = ends.front().pixel.x > 0.9 * area.width;
      place_column(ends, at_edge, area, labels);
    } else {
      for (const LineEnd& end : ends) place_within(end, traced, area, taken, labels);
    }
  }
  return labels;
}

}  // namespace echomux
