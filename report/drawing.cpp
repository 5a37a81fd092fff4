// Has a JavaScript engine draw, and a converter make PNG of it.
#include "report/drawing.hpp"

#include <fmt/core.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <stdexcept>

#include "echo/system_call.hpp"
#include "generated/page_parts.hpp"
#include "harness/machine/spawned_process.hpp"
#include "harness/text/json.hpp"
#include "harness/text/time_units.hpp"
#include "harness/text/whole_file.hpp"

namespace echomux {
namespace {

// All that an engine needs, in one text. d3 puts itself into `exports`, where that is.
std::string script_for(const Json& request) {
  return fmt::format(
      "'use strict';\n(() => {{\n"
      "const d3 = (() => {{ const exports = {{}}, module = {{}};\n{}\nreturn exports; }})();\n"
      "const PALETTE = {};\n{}\n"
      "let text = '';\n"
      "try {{ text = drawing({}); }} catch (error) {{ text = error.message; }}\n"
      "if (typeof process === 'object') process.stdout.write(text); else print(text);\n}})();\n",
      page::d3, page::palette, page::drawing, request.dump());
}

// A file without a name that holds the text, at its beginning.
FileDescriptor file_of(std::string_view text) {
  FileDescriptor file(check(::memfd_create("drawing", MFD_CLOEXEC), "memfd_create"));
  for (std::size_t at = 0; at < text.size();) {
    at += static_cast<std::size_t>(
        check(::write(file.get(), text.data() + at, text.size() - at), "write"));
  }
  check(::lseek(file.get(), 0, SEEK_SET), "lseek");
  return file;
}

// What the program printed; none where it isn't installed.
std::optional<std::string> run_tool(SpawnOptions options, std::chrono::milliseconds limit) {
  const std::string name = options.arguments.front();
  const Captured run = run_and_capture(std::move(options), STDOUT_FILENO, limit);
  if (run.exec_error == ENOENT) return std::nullopt;
  if (run.exec_error != 0) {
    throw std::runtime_error(fmt::format("cannot start {}: {}", name, error_text(run.exec_error)));
  }
  if (run.too_long) {
    throw std::runtime_error(
        fmt::format("{} had not drawn after {} s and was ended", name, to_seconds(limit)));
  }
  if (run.end.exit_status != 0) {
    throw std::runtime_error(fmt::format("{} failed and drew nothing", name));
  }
  return run.text;
}

// The picture's size in whole pixels, from the text that draw_svg() made.
int size_in(const std::string& svg, std::string_view name) {
  const std::string before = fmt::format(" {}=\"", name);
  const std::size_t begin = svg.find(before) + before.size();
  double value = 0;
  std::from_chars(svg.data() + begin, svg.data() + svg.size(), value);
  return static_cast<int>(std::ceil(value));
}

std::vector<std::string> conversion(const std::string& program, const std::string& text,
                                    const std::string& svg, const std::string& png) {
  if (program.find("rsvg") != std::string::npos) {
    return {program, "--zoom=2", "--output=" + png, svg};
  }
  std::vector<std::string> arguments{program, "--headless", "--disable-gpu", "--hide-scrollbars",
                                     "--force-device-scale-factor=2"};
  if (::geteuid() == 0) arguments.emplace_back("--no-sandbox");  // else it doesn't start
  arguments.push_back("--screenshot=" + png);
  arguments.push_back(
      fmt::format("--window-size={},{}", size_in(text, "width"), size_in(text, "height")));
  arguments.push_back("file://" + svg);
  return arguments;
}

// Removes a file at its end.
struct Removed {
  std::filesystem::path path;
  ~Removed() {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
  }
};

}  // namespace

std::string no_engine_sentence() {
  return "no JavaScript engine is installed, so no SVG is drawn; install the package nodejs "
         "(quickjs and gjs do, too), and draw it with 'echomux draw'";
}

std::string no_converter_sentence() {
  return "nothing that makes PNG from SVG is installed; install the package librsvg2-bin (chromium "
         "does, too)";
}

std::optional<std::string> draw_svg(const Json& request, const DrawingTools& tools) {
  const std::string script = script_for(request);
  for (const std::string& engine : tools.engines) {
    const FileDescriptor input = file_of(script);
    const bool is_node = engine.find("node") != std::string::npos;
    const auto text = run_tool(
        {.arguments = {engine, is_node ? "-" : "/dev/stdin"}, .streams = {.in = input.get()}},
        tools.limit);
    if (!text) continue;
    if (!text->starts_with("<svg")) {
      throw std::runtime_error(text->empty() ? engine + " drew nothing" : *text);
    }
    return text;
  }
  return std::nullopt;
}

bool make_png(const std::string& svg, const std::filesystem::path& png, const DrawingTools& tools) {
  const std::filesystem::path to = std::filesystem::absolute(png);
  const Removed source{to.string() + fmt::format(".{}.svg", ::getpid())};
  write_whole_file(source.path, svg, "picture");
  for (const std::string& converter : tools.converters) {
    if (!run_tool({.arguments = conversion(converter, svg, source.path, to)}, tools.limit))
      continue;
    if (!std::filesystem::exists(to)) {
      throw std::runtime_error(fmt::format("{} made no {}", converter, png.string()));
    }
    return true;
  }
  return false;
}

}  // namespace echomux
