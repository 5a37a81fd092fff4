#include <fmt/core.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <memory>

#include "cli/command.hpp"
#include "cli/output.hpp"
#include "cli/values.hpp"
#include "harness/bench/metrics.hpp"
#include "harness/bench/summary.hpp"
#include "harness/results/results_file.hpp"
#include "harness/text/field_json.hpp"
#include "harness/text/number_text.hpp"
#include "harness/text/table.hpp"
#include "harness/text/whole_file.hpp"

namespace echomux {
namespace {

struct PredictOptions {
  std::string question;
  std::string expected;
  std::string saw;
  std::vector<std::string> results;
  std::string file;
  std::string format = "text";
  bool show = false;
};

// A line of the notebook. Nothing in it is ever changed but `measured`, which was empty.
struct Prediction {
  std::string question;
  std::string written;  // when, in UTC
  std::string expected;
  std::string measured;
};

template <typename Visit>
void for_each_field(Of<Prediction>, Visit visit) {
  visit({"question"}, &Prediction::question);
  visit({"written"}, &Prediction::written);
  visit({"expected"}, &Prediction::expected);
  visit({"measured"}, &Prediction::measured);
}

std::filesystem::path notebook(const PredictOptions& options) {
  if (!options.file.empty()) return options.file;
  const std::vector<std::filesystem::path> folders = state_folders();
  if (folders.empty()) {
    throw UsageError("neither XDG_STATE_HOME nor HOME says where to keep it; give --file");
  }
  return folders.front() / "predictions.json";
}

std::vector<Prediction> read_notebook(const std::filesystem::path& path) {
  std::vector<Prediction> predictions;
  if (!std::filesystem::exists(path)) return predictions;
  std::ifstream file(path);
  try {
    read_json(Json::parse(file), predictions);
  } catch (const std::exception& error) {
    throw std::runtime_error(
        fmt::format("{} is no file of predictions: {}", path.string(), error.what()));
  }
  return predictions;
}

void keep(const std::filesystem::path& path, const std::vector<Prediction>& predictions) {
  write_whole_file(path, json_of(predictions).dump(1) + "\n", "predictions");
}

// A question of the form SERVER/IDLE/FIGURE, which results files answer.
struct AskedFigure {
  std::string server;
  std::size_t idle = 0;
  const Metric* metric = nullptr;
};

// None for a question in words. Throws UsageError for a figure that there isn't.
std::optional<AskedFigure> figure_of(const std::string& question) {
  const std::size_t first = question.find('/');
  const std::size_t last = question.rfind('/');
  if (first == std::string::npos) return std::nullopt;
  if (first == last) {
    throw UsageError(fmt::format(
        "'{}' is neither a word nor SERVER/IDLE/FIGURE, such as poll/1000/scanned_per_request",
        question));
  }
  try {
    return AskedFigure{
        question.substr(0, first),
        parse_count(question.substr(first + 1, last - first - 1), "QUESTION", 0, 10'000'000),
        &find_metric(question.substr(last + 1))};
  } catch (const std::invalid_argument& error) {
    throw UsageError(error.what());
  }
}

// What the file says of it, at each rate; empty: nothing.
std::string measured_in(const std::vector<CellSummary>& cells, const AskedFigure& figure) {
  std::vector<std::string> found;
  for (const CellSummary& cell : cells) {
    if (cell.cell.server != figure.server || cell.cell.idle_connections != figure.idle) continue;
    const MetricSummary& metric = cell.metric(figure.metric->name);
    found.push_back(fmt::format(
        "{} ({})", metric.values.empty() ? cell.outcome.sentence : figure_in_words(metric.interval),
        rate_in_words(cell.cell.rate)));
  }
  return joined(found, "; ");
}

// Fills in what the results files measure, and prints the notebook. An answer that is kept already
// stays, since the prediction was written for that run.
int show(const PredictOptions& options) {
  const std::filesystem::path path = notebook(options);
  std::vector<Prediction> predictions = read_notebook(path);
  for (const std::string& file : options.results) {
    const std::vector<CellSummary> cells = summarize(read_results(file));
    for (Prediction& prediction : predictions) {
      const std::optional<AskedFigure> figure = figure_of(prediction.question);
      if (figure && prediction.measured.empty()) prediction.measured = measured_in(cells, *figure);
    }
  }
  if (!options.results.empty()) keep(path, predictions);
  if (predictions.empty()) {
    std::cerr << fmt::format("echomux: {} holds no prediction yet\n", path.string());
  }
  Table table({Table::left("question", 0, 0), Table::left("written"), Table::left("expected"),
               Table::left("measured")});
  for (const Prediction& each : predictions) {
    table.add(
        {each.question, each.written, each.expected, each.measured.empty() ? "-" : each.measured});
  }
  if (!predictions.empty()) {
    std::cout << table.print(options.format == "markdown" ? TableFormat::markdown
                                                          : TableFormat::text);
  }
  return exit_ok;
}

int write_down(const PredictOptions& options) {
  static_cast<void>(figure_of(options.question));
  const std::filesystem::path path = notebook(options);
  std::vector<Prediction> predictions = read_notebook(path);
  const auto last = std::ranges::find(predictions.rbegin(), predictions.rend(), options.question,
                                      &Prediction::question);
  if (!options.expected.empty()) {
    if (last != predictions.rend() && !last->measured.empty()) {
      std::cerr << "echomux: it was measured before; this one is kept as a further line\n";
    }
    predictions.push_back({options.question, iso_time_now(), options.expected, options.saw});
  } else if (last == predictions.rend()) {
    throw UsageError(
        fmt::format("nothing was predicted for '{}'; first: echomux predict {} 'what "
                    "you expect'",
                    options.question, options.question));
  } else if (!last->measured.empty()) {
    throw UsageError(
        fmt::format("'{}' has an answer already: {}", options.question, last->measured));
  } else {
    last->measured = options.saw;
  }
  keep(path, predictions);
  std::cerr << fmt::format("echomux: kept in {}; see all with: echomux predict --show{}\n",
                           path.string(), options.file.empty() ? "" : " --file " + path.string());
  return exit_ok;
}

}  // namespace

Command predict_command() {
  const auto to = std::make_shared<PredictOptions>();
  return {
      "predict",
      "Keep what you expect of a measurement beside what was measured",
      {{"[QUESTION]",
        "A word of your choice, such as blocking-1, or a figure as SERVER/IDLE/FIGURE",
        &to->question},
       {"[EXPECTED]", "What you expect, in quotes", &to->expected},
       {"--saw", "What you saw, for a question that no results file answers", &to->saw},
       {"--show",
        "Print all predictions beside what was measured",
        &to->show,
        {"QUESTION", "EXPECTED", "--saw"}},
       {"--results",
        "With --show: take figures from this results file of bench, and keep them",
        repeated(file(&to->results)),
        {},
        {"--show"}},
       {"--format", "How to print them", one_of(&to->format, {"text", "markdown"})},
       {"--file",
        "The file that keeps them ($XDG_STATE_HOME/echomux/predictions.json or "
        "~/.local/state/echomux/predictions.json unless given)",
        file(&to->file)}},
      "Write before you measure:\n"
      "  echomux predict poll/1000/scanned_per_request 'about 1000'\n"
      "  echomux predict second-client 'no answer until the first leaves'\n"
      "Then measure, and look:\n"
      "  echomux predict second-client --saw 'no answer'\n"
      "  echomux predict --show --results results/FILE.json\n"
      "A figure is a column of 'echomux show FILE --format csv'. Each prediction keeps the time at "
      "which it was written, and none is ever changed.",
      [to] {
        if (to->show) return show(*to);
        if (to->question.empty() || (to->expected.empty() && to->saw.empty())) {
          throw UsageError(
              "give a question and what you expect: echomux predict QUESTION 'what "
              "you expect'; or --show");
        }
        return write_down(*to);
      }};
}

}  // namespace echomux
