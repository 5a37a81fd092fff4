// The text of a picture's data file and script.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "harness/text/number_text.hpp"
#include "report/palette.hpp"
#include "report/picture.hpp"
#include "report/picture_layout.hpp"

namespace echomux {
namespace {

// A string constant of gnuplot's. Between single quotes nothing is special but the quote itself:
// no backslash, no back-quoted command, no macro; and the terminals are told "noenhanced", so that
// no brace is either. What would end the line becomes a blank.
std::string gnuplot_string(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "''";
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += byte < 0x20 || byte == 0x7f ? ' ' : c;
    }
  }
  return out + "'";
}

// The text with everything but letters, digits and these replaced.
std::string only(std::string_view these, std::string text, char replacement) {
  for (char& c : text) {
    const bool harmless = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || these.find(c) != std::string_view::npos;
    if (!harmless) c = replacement;
  }
  return text;
}

// Text for a comment. A backslash at its end would make the next line part of it.
std::string plain(const std::string& text) {
  return only(" _-.,:()/+", text, '?');
}

// A point's symbol by gnuplot's number for it, on the terminals that are used here.
int point_type(std::string_view symbol) {
  constexpr std::array types{
      std::pair{std::string_view("circle"), 7},   std::pair{std::string_view("square"), 5},
      std::pair{std::string_view("triangle"), 9}, std::pair{std::string_view("diamond"), 13},
      std::pair{std::string_view("cross"), 2},    std::pair{std::string_view("star"), 3},
      std::pair{std::string_view("wye"), 11}};
  for (const auto& [name, type] : types) {
    if (name == symbol) return type;
  }
  return 7;
}

// "6 4" as gnuplot has it: "(6,4)".
std::string dash_type(std::string_view dash) {
  if (dash.empty()) return "solid";
  std::string out = "(";
  for (const char c : dash) out += c == ' ' ? ',' : c;
  return out + ")";
}

class Script {
 public:
  Script(const Figure& figure, const PictureLayout& layout)
      : figure_(figure), layout_(layout), stem_(file_stem(figure)) {}

  [[nodiscard]] std::string text() {
    head();
    styles();
    out_ += "set multiplot\n";
    std::size_t block = 0;
    for (const PicturePanel& panel : layout_.panels) block = add_panel(panel, block);
    out_ += fmt::format(
        "unset multiplot\n"
        "unset output\n\n"
        "# Now the same once more, as a PNG.\n"
        "if (format eq 'svg') {{\n  format = 'png'\n  load '{}.gp'\n}}\n",
        stem_);
    return out_;
  }

 private:
  // Everything that goes before the first panel.
  void head() {
    out_ += fmt::format(
        "# {0}: {1}\n"
        "# Draws {0}.svg and {0}.png from {0}.dat; to be run in their directory: gnuplot {0}.gp\n"
        "reset\n"
        "if (!exists('format')) {{ format = 'svg' }}\n"
        "set encoding utf8\n\n"
        "# Places in the picture are given in pixels from its upper left corner.\n"
        "width = {2:.0f}\n"
        "height = {3:.0f}\n"
        "sx(x) = x / (1.0 * width)\n"
        "sy(y) = 1 - y / (1.0 * height)\n\n"
        "if (format eq 'svg') {{\n"
        "  set terminal svg noenhanced size width,height font 'sans-serif,12' background "
        "'#ffffff'\n"
        "  set output '{0}.svg'\n"
        "  bold = 'sans-serif'  # gnuplot 5's SVG has no bold text\n"
        "}} else {{\n"
        "  set terminal pngcairo noenhanced size 2*width,2*height font 'sans-serif,12' \\\n"
        "    fontscale 1.5 linewidth 2 pointscale 2.6 background '#ffffff'\n"
        "  set output '{0}.png'\n"
        "  bold = 'sans-serif:Bold'\n"
        "}}\n\n",
        stem_, plain(figure_.title), layout_.width, layout_.height);
    const double zero = layout_.zero.value_or(0);
    out_ += layout_.zero ? fmt::format(
                               "# A logarithmic axis has no 0: it is shown here.\n"
                               "place(x) = x == 0 ? {:.10g} : x\n\n",
                               zero)
                         : "place(x) = x\n\n";
  }

  // One line style per line, by its number in the figure.
  void styles() {
    out_ += "# How each line looks.\n";
    for (std::size_t i = 0; i < figure_.lines.size(); ++i) {
      const LineStyle style = line_style(figure_.lines[i]);
      out_ += fmt::format(
          "colour{0} = '{1}'  # {2}\n"
          "set style line {0} linecolor rgb colour{0} linewidth 1.8 dashtype {3} "
          "pointtype {4} pointsize 0.75\n",
          i + 1, style.colour, plain(figure_.lines[i]), dash_type(style.dash),
          point_type(style.symbol));
    }
    out_ += "\n";
  }

  [[nodiscard]] std::size_t style_number(const std::string& line) const {
    const auto found = std::ranges::find(figure_.lines, line);
    return static_cast<std::size_t>(found - figure_.lines.begin()) + 1;
  }

  // Colours of lines go by their numbers; a remark about several lines has none.
  [[nodiscard]] std::string colour(const std::string& line) const {
    return line.empty() ? "'#555555'" : fmt::format("colour{}", style_number(line));
  }

  void screen_text(double x, double y, std::string_view text, std::string_view font,
                   std::string_view colour) {
    out_ += fmt::format(
        "set label {} at screen sx({:.0f}), screen sy({:.0f}) left font {} textcolor rgb '{}'\n",
        gnuplot_string(text), x, y, font, colour);
  }

  void texts() {
    out_ += "# Title, verdict and small print.\n";
    double y = 30;
    for (const std::string& line : layout_.title) {
      screen_text(24, y, line, "bold.',18'", "#111111");
      y += 22;
    }
    screen_text(24, y, layout_.verdict, "'sans-serif,13'", "#333333");
    y = layout_.panel_top + layout_.panel_height + 68;
    for (const std::string& line : layout_.small_print) {
      screen_text(24, y, line, "'sans-serif,10.5'", "#666666");
      y += 16;
    }
  }

  void axis(const char* name, const PictureAxis& axis) {
    out_ += fmt::format(
        "set {}range [{:.6g}:{:.6g}]\nset {}tics nomirror out scale 0.5 textcolor rgb "
        "'#333333' font 'sans-serif,11' (",
        name, axis.low, axis.high, name);
    for (std::size_t i = 0; i < axis.ticks.size(); ++i) {
      const double tick = axis.ticks[i];
      const double shown = tick == 0 && layout_.zero ? *layout_.zero : tick;
      out_ += fmt::format("{}{} {:.10g}", i > 0 ? ", " : "", gnuplot_string(reader_number(tick)),
                          shown);
    }
    out_ += ")\n";
  }

  // The axes of one panel.
  void frame(const PicturePanel& panel) {
    const double top = layout_.panel_top;
    out_ += fmt::format(
        "\n# --- {} ---\n"
        "set lmargin at screen sx({:.0f})\nset rmargin at screen sx({:.0f})\n"
        "set tmargin at screen sy({:.0f})\nset bmargin at screen sy({:.0f})\n"
        "set border 3 linecolor rgb '#888888'\n"
        "set grid xtics ytics linetype 1 linecolor rgb '#ebebeb' linewidth 0.8\n"
        "set logscale xy\nunset key\nunset label\nunset arrow\n",
        plain(panel.heading), panel.left, panel.left + layout_.panel_width, top,
        top + layout_.panel_height);
    if (&panel == &layout_.panels.front()) texts();
    axis("x", layout_.x);
    axis("y", panel.y);
    const double left = panel.left - 54;
    screen_text(left, top - 40, panel.heading, "bold.',14'", "#111111");
    screen_text(left, top - 21, panel.unit, "'sans-serif,11.5'", "#333333");
    out_ += fmt::format(
        "set label {} at screen sx({:.0f}), screen sy({:.0f}) center font 'sans-serif,11.5' "
        "textcolor rgb '#333333'\n",
        gnuplot_string(figure_.axis_label.empty() ? figure_.axis : figure_.axis_label),
        panel.left + layout_.panel_width / 2, top + layout_.panel_height + 40);
    if (layout_.zero) add_break();
  }

  // Two strokes through the axis between 0 and the first number.
  void add_break() {
    const auto first = std::ranges::find_if(layout_.x.ticks, [](double x) { return x > 0; });
    if (first == layout_.x.ticks.end()) return;
    const double share = layout_.x.share(std::sqrt(*layout_.zero * *first));
    out_ += "# The axis is broken between 0 and the first number.\n";
    for (const double offset : {-0.006, 0.006}) {
      out_ += fmt::format(
          "set arrow from graph {:.4f}, graph -0.016 to graph {:.4f}, graph 0.016 nohead front "
          "linecolor rgb '#555555' linewidth 1\n",
          share + offset - 0.006, share + offset + 0.006);
    }
  }

  void add_labels(const PicturePanel& panel) {
    out_ += "# Each line's name at its right end.\n";
    for (const EndLabel& label : panel.labels) {
      const std::string x =
          label.beside_panel ? "graph 1.025" : fmt::format("first {:.6g}", label.x);
      out_ += fmt::format(
          "set label {} at {}, first {:.6g} {} font 'sans-serif,13' textcolor rgb {} front\n",
          gnuplot_string(label.line), x, label.y,
          label.right_aligned                  ? "right"
          : label.leader || label.beside_panel ? "left offset 0.4,0"
                                               : "left",
          colour(label.line));
      if (!label.leader) continue;
      out_ += fmt::format(
          "set arrow from first place({:.10g}), first {:.6g} to {}, first {:.6g} nohead linecolor "
          "rgb {} linewidth 0.6\n",
          label.leader->x, label.leader->y, label.beside_panel ? "graph 1.02" : x, label.y,
          colour(label.line));
    }
  }

  // The remarks at one edge: a text in the middle of its places, and a mark at each of them.
  void add_remarks(const std::vector<Remark>& remarks, bool upper) {
    for (const Remark& remark : remarks) {
      const double row = remark_row_height * static_cast<double>(remark.row);
      const double text_y = upper ? row + 8 : layout_.panel_height - row - 21;
      const auto share = [&](double pixels) { return 1 - pixels / layout_.panel_height; };
      out_ += fmt::format(
          "set label {} at graph {:.4f}, graph {:.4f} center font 'sans-serif,11.5' textcolor rgb "
          "{} "
          "front\n",
          gnuplot_string(remark.text), remark.text_x, share(text_y), colour(remark.line));
      for (const double x : remark.at) {
        out_ += fmt::format(
            "set label '' at first place({:.10g}), graph {:.4f} point pointtype {} pointsize 0.6 "
            "linecolor rgb {} front\n",
            x, share(text_y + 13), upper ? 2 : 8, colour(remark.line));
      }
    }
  }

  // Returns the number of the data file's block after this panel's.
  std::size_t add_panel(const PicturePanel& panel, std::size_t block) {
    frame(panel);
    if (!panel.obstacles.empty()) {
      out_ += "# What could not be measured, and where.\n";
      add_remarks(panel.obstacles, true);
    }
    if (!panel.wins.empty()) {
      out_ += "# Where looking at every descriptor does better than epoll.\n";
      add_remarks(panel.wins, false);
    }
    add_labels(panel);
    std::vector<std::string> bands;
    std::vector<std::string> lines;
    for (const PictureLine& line : panel.lines) {
      const std::size_t style = style_number(line.name);
      if (line.has_bounds()) {
        bands.push_back(
            fmt::format("'{}.dat' index {} using (place($1)):3:4 with filledcurves "
                        "fillcolor rgb colour{} fillstyle transparent solid {} noborder "
                        "title {}",
                        stem_, block, style, panel.lines.size() > 4 ? 0.08 : 0.15,
                        gnuplot_string(line.name + ", 95 % interval")));
      }
      lines.push_back(fmt::format(
          "'{}.dat' index {} using (place($1)):2 with linespoints linestyle {} title {}", stem_,
          block, style, gnuplot_string(line.name)));
      ++block;
    }
    // Bands first, so that no line is under one.
    bands.insert(bands.end(), lines.begin(), lines.end());
    for (std::size_t i = 0; i < bands.size(); ++i) {
      out_ += fmt::format("{}{}{}\n", i == 0 ? "plot " : "     ", bands[i],
                          i + 1 < bands.size() ? ", \\" : "");
    }
    if (bands.empty()) out_ += "plot NaN notitle  # nothing could be measured\n";
    return block;
  }

  const Figure& figure_;
  const PictureLayout& layout_;
  std::string stem_;
  std::string out_;
};

}  // namespace

std::string file_stem(const Figure& figure) {
  const std::string stem = only("-_", figure.id, '_');
  return stem.empty() ? "figure" : stem;
}

std::string picture_data(const Figure& figure) {
  const PictureLayout layout = lay_out(figure, {});
  std::string out = fmt::format(
      "# {}: {}\n# Each block is a line of one panel; an empty line within it is a place where the "
      "line is missing.\n",
      plain(figure.id), plain(figure.title));
  for (const PicturePanel& panel : layout.panels) {
    for (const PictureLine& line : panel.lines) {
      out +=
          fmt::format("\n\n# {}, in {}: {}\n# {:>10} {:>14} {:>14} {:>14}\n", plain(panel.heading),
                      plain(panel.unit), plain(line.name), plain(figure.axis),
                      panel.heading == "As published" ? "value" : "median", "low", "high");
      for (std::size_t i = 0; i < line.stretches.size(); ++i) {
        if (i > 0) out += "\n";
        for (const PicturePoint& point : line.stretches[i]) {
          const auto bound = [&](double MedianInterval::Bounds::*which) {
            return point.bounds ? plain_number((*point.bounds).*which) : std::string("NaN");
          };
          out += fmt::format("{:>12} {:>14} {:>14} {:>14}\n", plain_number(point.x),
                             plain_number(point.y), bound(&MedianInterval::Bounds::low),
                             bound(&MedianInterval::Bounds::high));
        }
      }
    }
  }
  return out;
}

std::string picture_script(const Figure& figure, const FigureContext& context) {
  const PictureLayout layout = lay_out(figure, context);
  return Script(figure, layout).text();
}

}  // namespace echomux
