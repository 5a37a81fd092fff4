#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "report/figure.hpp"

namespace echomux {

// What a figure's files in a directory are called: its id with everything but letters, digits, '-'
// and '_' replaced, so that it can't lead out of the directory.
[[nodiscard]] std::string file_stem(const Figure& figure);

// The data of the figure's picture for gnuplot: a block per line and panel, each with a comment
// that names it.
[[nodiscard]] std::string picture_data(const Figure& figure);

// The script that draws it from STEM.dat into STEM.svg and STEM.png, by "gnuplot STEM.gp" in their
// directory. Nothing from the figure is taken for anything but text by it.
[[nodiscard]] std::string picture_script(const Figure& figure, const FigureContext& context);

// Writes STEM.dat and STEM.gp, each in one step. Throws std::runtime_error with a sentence for the
// user.
void write_picture_sources(const std::filesystem::path& directory, const Figure& figure,
                           const FigureContext& context);

struct Gnuplot {
  std::string program = "gnuplot";  // looked for along PATH where it has no '/'
  std::chrono::milliseconds limit = std::chrono::seconds(60);
};

// Runs gnuplot on the sources in `directory`, without a shell. Returns a sentence that says how to
// draw the picture later when there is no gnuplot; none when it has been drawn. Throws
// std::runtime_error, with what gnuplot wrote to stderr, when it fails or takes longer than the
// limit; the sources stay.
[[nodiscard]] std::optional<std::string> draw_picture(const std::filesystem::path& directory,
                                                      const Figure& figure,
                                                      const Gnuplot& gnuplot = {});

}  // namespace echomux
