#pragma once

#include <filesystem>
#include <string>

#include "report/figure.hpp"

namespace echomux {

// What a figure's files in a directory are called: its id with everything but letters, digits, '-'
// and '_' replaced, so that it can't lead out of the directory.
[[nodiscard]] std::string file_stem(const Figure& figure);

// The figure for gnuplot, to be changed and drawn by those who want it otherwise: the data, a block
// for each line of each panel, and a plain script. Nothing from the figure is taken for anything
// but text by it.
[[nodiscard]] std::string gnuplot_data(const Figure& figure);
[[nodiscard]] std::string gnuplot_script(const Figure& figure);

// Writes STEM.dat and STEM.gp, each in one step. Throws std::runtime_error with a sentence for the
// user.
void write_gnuplot(const std::filesystem::path& directory, const Figure& figure);

}  // namespace echomux
