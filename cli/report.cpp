#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>

#include "cli/command.hpp"
#include "cli/output.hpp"
#include "harness/text/whole_file.hpp"
#include "report/report_page.hpp"

namespace echomux {
namespace {

namespace fs = std::filesystem;

// Those of the arguments that can be results files, each once. What a `*` of the shell brings along
// beside them is left out, and said.
std::vector<fs::path> choose_files(const std::vector<std::string>& arguments) {
  std::vector<fs::path> chosen;
  for (const fs::path path : arguments) {
    std::error_code ignored;
    if (fs::is_directory(path, ignored)) {
      std::cerr << fmt::format("echomux: {} is a directory, left out\n", path.string());
    } else if (fs::exists(path, ignored) && path.extension() != ".json" && arguments.size() > 1) {
      std::cerr << fmt::format("echomux: {} is no .json, left out\n", path.string());
    } else if (std::ranges::none_of(chosen, [&](const fs::path& other) {
                 return fs::equivalent(path, other, ignored);
               })) {
      chosen.push_back(path);
    }
  }
  if (chosen.empty()) {
    throw UsageError("no results file among these; name one of 'echomux bench', such as " +
                     (fs::path(arguments.front()) / "*.json").string());
  }
  return chosen;
}

// The file's name, or its whole path where another one has the same.
std::string label_of(const fs::path& path, const std::vector<fs::path>& all) {
  const bool alone = 1 == std::ranges::count_if(all, [&](const fs::path& other) {
                       return other.filename() == path.filename();
                     });
  return alone ? path.filename().string() : path.string();
}

Json document_in(const fs::path& path) {
  std::ifstream in(path);
  try {
    return Json::parse(in);
  } catch (const JsonError&) {
    return nullptr;  // reading it as results says what is wrong
  }
}

// Takes a document of claims or of a figure; false when it is something else.
bool take_further(const Json& document, FurtherDocuments& further) {
  if (document.contains("claims")) {
    if (further.claims.is_null()) further.claims = document;
  } else if (document.contains("figures")) {
    further.figures.push_back(document);
  } else {
    return false;
  }
  return true;
}

// Those that lie beside the results, where none are given.
void find_further(const fs::path& directory, FurtherDocuments& further) {
  std::error_code ignored;
  if (further.claims.is_null()) take_further(document_in(directory / "claims.json"), further);
  if (!further.figures.empty()) return;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(directory / "figures", ignored)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  for (const fs::path& file : files) take_further(document_in(file), further);
}

int make_report(const std::vector<std::string>& arguments, fs::path output, bool force) {
  const std::vector<fs::path> files = choose_files(arguments);
  std::error_code ignored;
  for (const fs::path& file : files) {
    if (fs::equivalent(file, output, ignored)) {
      throw UsageError(
          fmt::format("-o {} would write over the results; choose another place", file.string()));
    }
  }
  if (output.empty()) output = unused_name("report.html");
  if (output != "-") check_output(output, force, "report");
  std::vector<LabelledResults> runs;
  FurtherDocuments further;
  fs::path beside;
  for (const fs::path& file : files) {
    if (take_further(document_in(file), further)) continue;
    if (runs.empty()) beside = fs::absolute(file).parent_path();
    runs.push_back({label_of(file, files), read_results(file)});
  }
  if (runs.empty()) throw UsageError("none of these is a results file of 'echomux bench'");
  find_further(beside, further);
  if (output == "-") {
    std::cout << report_page(runs, further) << std::flush;
    if (!std::cout) throw std::runtime_error("cannot write the report to stdout");
    return exit_ok;
  }
  write_whole_file(output, report_page(runs, further), "report");
  std::cerr << fmt::format("report: {}\n", output.string());
  return exit_ok;
}

}  // namespace

Command report_command() {
  struct Arguments {
    std::vector<std::string> files;
    std::string output;
    bool force = false;
  };
  const auto to = std::make_shared<Arguments>();
  return {
      "report",
      "Make one page to look at from one or more results files, side by side",
      {{"RESULTS",
        "Results files of 'echomux bench'; those of 'claims --json' and 'reproduce -o' are shown "
        "beside them",
        file(&to->files)},
       {"-o,--output",
        "Where to write it; '-' is stdout (default: report.html, or report-2.html and so on)",
        file(&to->output)},
       force_option(to->force)},
      "The page is one file that needs no network: charts to choose from, the percentile "
      "spectrum, the cost ledger, and every verdict with its reason. With several files, the "
      "first is compared with each other one. claims.json and figures/*.json in the first one's "
      "folder are on the page, too.",
      [to] { return make_report(to->files, to->output, to->force); }};
}

}  // namespace echomux
