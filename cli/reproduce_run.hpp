#pragma once

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <span>
#include <stop_token>

#include "report/drawing.hpp"
#include "report/figure.hpp"

namespace echomux {

struct ReproduceOptions {
  std::filesystem::path directory;  // where each figure's files go; empty: nowhere
  bool json = false;                // on `out`, after the last figure, instead of text
  bool terminal = false;            // `err` is one: progress is a line that changes
  FigureContext context;
  std::function<SweepServer(const std::string& line)> server = {};  // as FigureRun has it
  bool png = false;                                                 // beside each SVG
  DrawingTools tools = {};
};

// Measures the figures one after the other and shows each on `out` as soon as it is done; with a
// directory, it is written there too, first what was measured and then its picture. What goes wrong
// with one figure is said on `err` and does not cost the others. Returns the program's exit status:
// 0, 1 when anything went wrong, 130 when interrupted. Throws std::runtime_error, with a sentence
// for the user, before anything is measured when the directory can't be written to.
int run_figures(std::span<const FigureEntry* const> chosen, const ReproduceOptions& options,
                std::ostream& out, std::ostream& err, const std::stop_token& stop);

}  // namespace echomux
