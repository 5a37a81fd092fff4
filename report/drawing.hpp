#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace echomux {

class Json;

// The programs that draw, each looked for along PATH where it has no '/', the first one first.
struct DrawingTools {
  std::vector<std::string> engines{"node", "nodejs", "qjs", "gjs"};  // of JavaScript
  std::vector<std::string> converters{"rsvg-convert", "chromium", "chromium-browser",
                                      "google-chrome"};        // from SVG to PNG
  std::chrono::milliseconds limit = std::chrono::seconds(60);  // for each of them
};

// How the user gets what is missing, as a sentence.
[[nodiscard]] std::string no_engine_sentence();
[[nodiscard]] std::string no_converter_sentence();

// The picture of a figure, by the page's own scripts: the text of an SVG file. The request is
// {"kind": "figure", "record": a document of `echomux reproduce` with one figure, "only": a line's
// name or null} or {"kind": "trace", "text": a file of results/traces}. None where no engine is
// installed. Throws std::runtime_error, with a sentence for the user, when it can't be drawn.
[[nodiscard]] std::optional<std::string> draw_svg(const Json& request,
                                                  const DrawingTools& tools = {});

// Makes `png` of the text of an SVG file, twice as large, by the first converter that is there.
// False where none is. Throws std::runtime_error when it fails.
[[nodiscard]] bool make_png(const std::string& svg, const std::filesystem::path& png,
                            const DrawingTools& tools = {});

}  // namespace echomux
