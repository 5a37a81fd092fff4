// Writes a picture's sources and has gnuplot draw it.
#include <fmt/core.h>
#include <unistd.h>

#include "echo/system_call.hpp"
#include "harness/machine/spawned_process.hpp"
#include "harness/text/time_units.hpp"
#include "harness/text/whole_file.hpp"
#include "report/picture.hpp"

namespace echomux {
namespace {

constexpr std::size_t most_error_bytes = 4'000;

std::string trimmed(std::string text) {
  text.erase(0, std::min(text.find_first_not_of("\r\n "), text.size()));
  text.erase(text.find_last_not_of("\r\n ") + 1);
  return text;
}

}  // namespace

void write_picture_sources(const std::filesystem::path& directory, const Figure& figure,
                           const FigureContext& context) {
  const std::string stem = file_stem(figure);
  write_whole_file(directory / (stem + ".dat"), picture_data(figure), "picture's data");
  write_whole_file(directory / (stem + ".gp"), picture_script(figure, context), "picture's script");
}

std::optional<std::string> draw_picture(const std::filesystem::path& directory,
                                        const Figure& figure, const Gnuplot& gnuplot) {
  const std::string stem = file_stem(figure);
  // The script names its files without a directory.
  const Captured drawn =
      run_and_capture({.arguments = {gnuplot.program, stem + ".gp"}, .directory = directory},
                      STDERR_FILENO, gnuplot.limit, most_error_bytes);
  if (drawn.exec_error == ENOENT) {
    return fmt::format(
        "{} is not installed, so {}.svg and {}.png are not drawn; their script and data are kept: "
        "install gnuplot (gnuplot-nox on Debian and Ubuntu) and run 'gnuplot {}.gp' in {}",
        gnuplot.program, stem, stem, stem, directory.string());
  }
  if (drawn.exec_error != 0) {
    throw std::runtime_error(
        fmt::format("cannot start {}: {}", gnuplot.program, error_text(drawn.exec_error)));
  }
  if (drawn.too_long) {
    throw std::runtime_error(
        fmt::format("{} had not drawn {} after {} s and was ended; its script "
                    "and data are kept",
                    gnuplot.program, (directory / stem).string(), to_seconds(gnuplot.limit)));
  }
  if (drawn.end.exit_status != 0) {
    const std::string errors = trimmed(drawn.text);
    throw std::runtime_error(fmt::format(
        "{} could not draw {}; its script and data are kept. {}", gnuplot.program,
        (directory / stem).string(), errors.empty() ? "It said nothing" : "It said: " + errors));
  }
  return std::nullopt;
}

}  // namespace echomux
