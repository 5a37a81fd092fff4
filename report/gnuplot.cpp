#include "report/gnuplot.hpp"

#include <fmt/core.h>

#include "harness/text/number_text.hpp"
#include "harness/text/whole_file.hpp"
#include "report/palette.hpp"

namespace echomux {
namespace {

// A string constant of gnuplot's. Between single quotes nothing is special but the quote itself,
// and the terminals are told "noenhanced". What would end the line becomes a blank.
std::string gnuplot_string(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += c == '\'' ? "''" : std::string(1, byte < 0x20 || byte == 0x7f ? ' ' : c);
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

struct ExportedPanel {
  std::string heading;
  std::string unit;
  std::map<std::string, std::map<double, MedianInterval>> lines;  // by name and place
};

std::vector<ExportedPanel> panels_of(const Figure& figure) {
  std::vector<ExportedPanel> panels;
  const auto measured = [&](std::string heading, std::string unit, const auto& lines) {
    ExportedPanel& panel = panels.emplace_back(std::move(heading), std::move(unit));
    for (const auto& [name, line] : lines) {
      for (const auto& [x, rounds] : line.rounds) panel.lines[name][x] = median_interval(rounds);
    }
  };
  if (!figure.published.empty()) {
    ExportedPanel& panel = panels.emplace_back("As published", figure.published_unit);
    for (const auto& [name, line] : figure.published) {
      for (const auto& [x, y] : line) panel.lines[name][x] = {.median = y, .bounds = {}};
    }
  }
  measured("Measured here", figure.measured_unit, figure.measured);
  if (figure.second) {
    measured("Measured here: " + figure.second->title, figure.second->unit,
             figure.second->measured);
  }
  return panels;
}

// Those of the figure's lines that the panel has, in order; each is a block of the data.
std::vector<std::string> lines_of(const Figure& figure, const ExportedPanel& panel) {
  std::vector<std::string> names;
  for (const std::string& name : figure.lines) {
    const auto line = panel.lines.find(name);
    if (line != panel.lines.end() && !line->second.empty()) names.push_back(name);
  }
  return names;
}

}  // namespace

std::string file_stem(const Figure& figure) {
  const std::string stem = only("-_", figure.id, '_');
  return stem.empty() ? "figure" : stem;
}

std::string gnuplot_data(const Figure& figure) {
  std::string out = fmt::format("# {}: {}\n# Each block is a line of one panel.\n",
                                plain(figure.id), plain(figure.title));
  for (const ExportedPanel& panel : panels_of(figure)) {
    for (const std::string& name : lines_of(figure, panel)) {
      out +=
          fmt::format("\n\n# {}, in {}: {}\n# {:>10} {:>14} {:>14} {:>14}\n", plain(panel.heading),
                      plain(panel.unit), plain(name), plain(figure.axis), "median", "low", "high");
      for (const auto& [x, value] : panel.lines.at(name)) {
        // Without an interval, its ends are where the point is.
        const MedianInterval::Bounds ends =
            value.bounds.value_or(MedianInterval::Bounds{value.median, value.median});
        out += fmt::format("{:>12} {:>14} {:>14} {:>14}\n", plain_number(x),
                           plain_number(value.median), plain_number(ends.low),
                           plain_number(ends.high));
      }
    }
  }
  return out;
}

std::string gnuplot_script(const Figure& figure) {
  const std::vector<ExportedPanel> panels = panels_of(figure);
  const std::string stem = file_stem(figure);
  std::string out = fmt::format(
      "# {0}: {1}\n"
      "# gnuplot {0}.gp                          draws {0}-gnuplot.svg from {0}.dat\n"
      "# gnuplot -e \"format = 'png'\" {0}.gp    draws {0}-gnuplot.png\n"
      "reset\n"
      "set encoding utf8\n"
      "if (!exists('format')) {{ format = 'svg' }}\n"
      "if (!exists('file')) {{ file = '{0}-gnuplot.'.format }}\n"
      "if (format eq 'svg') {{\n"
      "  set terminal svg noenhanced size {2},480 background '#ffffff'\n"
      "}} else {{\n"
      "  set terminal pngcairo noenhanced size 2*{2},960 fontscale 2 linewidth 2 pointscale 2\n"
      "}}\n"
      "set output file\n"
      "set logscale xy\n"
      "at(x) = x > 0 ? x : 0.1  # 0 has no place on a logarithmic axis\n"
      "set key top left\n"
      "set grid\n"
      "set xlabel {3}\n"
      "set multiplot layout 1,{4} title {5}\n",
      stem, plain(figure.title), 560 * panels.size(),
      gnuplot_string(figure.axis_label.empty() ? figure.axis : figure.axis_label), panels.size(),
      gnuplot_string(figure.title));
  std::size_t block = 0;
  for (const ExportedPanel& panel : panels) {
    out += fmt::format("\nset title {}\nset ylabel {}\n", gnuplot_string(panel.heading),
                       gnuplot_string(panel.unit));
    const char* before = "plot ";
    for (const std::string& name : lines_of(figure, panel)) {
      out += fmt::format(
          "{}'{}.dat' index {} using (at($1)):2:3:4 with yerrorlines linecolor rgb '{}' title {}",
          before, stem, block++, line_colour(name), gnuplot_string(name));
      before = ", \\\n     ";
    }
    out += *before == 'p' ? "plot NaN notitle  # nothing could be measured\n" : "\n";
  }
  return out + "unset multiplot\nunset output\n";
}

void write_gnuplot(const std::filesystem::path& directory, const Figure& figure) {
  const std::string stem = file_stem(figure);
  write_whole_file(directory / (stem + ".dat"), gnuplot_data(figure), "figure's data");
  write_whole_file(directory / (stem + ".gp"), gnuplot_script(figure), "figure's gnuplot script");
}

}  // namespace echomux
