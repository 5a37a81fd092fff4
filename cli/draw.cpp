#include <fmt/core.h>

#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>

#include "cli/command.hpp"
#include "cli/output.hpp"
#include "harness/text/json.hpp"
#include "harness/text/whole_file.hpp"
#include "report/drawing.hpp"

namespace echomux {
namespace {

namespace fs = std::filesystem;

struct DrawArguments {
  std::string file;
  std::string output;
  std::string only;
  bool force = false;
};

std::string text_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in || text.empty()) throw UsageError(fmt::format("cannot read {}", path.string()));
  return text;
}

// What is in the file, as draw_svg() wants it.
Json request_of(const DrawArguments& given) {
  const std::string text = text_of(given.file);
  if (text.starts_with("# ") && text.find(" serves ") < text.find('\n')) {
    return {{"kind", "trace"}, {"text", text}};
  }
  Json request{{"kind", "figure"}, {"record", nullptr}, {"only", nullptr}};
  try {
    request["record"] = Json::parse(text);
    if (request.at("record").at("figures").size() != 1) throw JsonError("not one figure");
  } catch (const JsonError&) {
    throw UsageError(fmt::format(
        "{} is neither the FIGURE.json of 'echomux reproduce -o' nor a trace of results/traces",
        given.file));
  }
  if (!given.only.empty()) request["only"] = given.only;
  return request;
}

int draw(const DrawArguments& given) {
  fs::path output = given.output;
  if (output.empty()) output = fs::path(given.file).filename().replace_extension(".svg");
  const bool png = output.extension() == ".png";
  if (output != "-" && !png && output.extension() != ".svg") {
    throw UsageError(
        fmt::format("-o {}: a picture is .svg or .png, or '-' for stdout", output.string()));
  }
  const Json request = request_of(given);
  if (output != "-") check_output(output, given.force, "picture");
  const auto svg = draw_svg(request);
  if (!svg) throw std::runtime_error(no_engine_sentence());
  if (output == "-") {
    std::cout << *svg << std::flush;
    if (!std::cout) throw std::runtime_error("cannot write the picture to stdout");
    return exit_ok;
  }
  if (!png) {
    write_whole_file(output, *svg, "picture");
  } else if (!make_png(*svg, output)) {
    throw std::runtime_error(no_converter_sentence());
  }
  std::cerr << fmt::format("picture: {}\n", output.string());
  return exit_ok;
}

}  // namespace

Command draw_command() {
  const auto to = std::make_shared<DrawArguments>();
  return {"draw",
          "Draw a figure or a trace from its file again, as SVG or PNG",
          {{"FILE", "FIGURE.json of 'echomux reproduce -o', or a file of results/traces",
            file(&to->file)},
           {"-o,--output", "The picture, .svg or .png; '-' is stdout (default: FILE as .svg, here)",
            file(&to->output)},
           {"--only", "The one line of the figure that keeps its colour; the others are grey",
            &to->only},
           force_option(to->force)},
          "The report page draws with the same scripts. They are run by node, quickjs or gjs; PNG "
          "is made by rsvg-convert or Chromium.",
          [to] { return draw(*to); }};
}

}  // namespace echomux
