#include "report/report.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "harness/bench/summary.hpp"
#include "harness/text/csv.hpp"
#include "harness/text/number_text.hpp"
#include "harness/text/table.hpp"
#include "harness/text/text_width.hpp"
#include "harness/text/words.hpp"
#include "report/answer.hpp"
#include "report/explanations.hpp"
#include "report/hosts.hpp"

namespace echomux {
namespace {

constexpr std::string_view none = "-";
constexpr std::string_view tail_metric = "latency_us_p99";
// What a narrow terminal does without, the first of these first.
constexpr std::array<std::string_view, 6> less_important{"calls_per_request", "scanned_per_request",
                                                         "achieved_rps",      "busy_share",
                                                         tail_metric,         "latency_us_p50"};

// "53.9 [52.1, 55.0]", or the median alone where there are too few repetitions for an interval.
std::string with_interval(const MetricSummary& summary) {
  return figure_in_words(summary.interval) + std::string(summary.outliers.size(), '*');
}

// Whether the tail of its latencies is the machine's in most of its trials, and says nothing of it.
bool is_the_machines(const CellSummary& cell) {
  return std::ranges::any_of(cell.judgement.reasons, [](const Reason& reason) {
    return reason.code == "tail_not_the_servers" && reason.verdict != Verdict::valid;
  });
}

std::string in_table(const CellSummary& cell, const Metric& metric) {
  // Where the kernel counted the calls, it knows better than the server.
  if (metric.name == "calls_per_request" && cell.system_calls_per_request) {
    return figure_in_words(cell.system_calls_per_request);
  }
  const std::optional<double> median = cell.median(metric.name);
  if (!median) return std::string(none);
  if (metric.name == tail_metric && is_the_machines(cell)) return "machine's";
  switch (metric.field.form) {
    case Form::interval:
      return with_interval(cell.metrics.at(metric.name));
    case Form::ratio: {
      const MedianInterval& interval = cell.metrics.at(metric.name).interval;
      return ratio_in_words(interval.median, interval.bounds, 2);
    }
    case Form::percent:
      return percent(*median);
    case Form::whole:
      return whole_number(*median);
    case Form::figure:
      break;
  }
  return figure_in_words(median);
}

// What there is to say beside a cell's figures.
std::string remarks(const CellSummary& cell) {
  std::string text = cell.outcome.sentence;
  const auto add = [&](const std::string& remark) { text += (text.empty() ? "" : ", ") + remark; };
  const Verdict verdict = cell.judgement.verdict;
  const bool said = cell.outcome.kind == OutcomeKind::starved || verdict == Verdict::not_possible ||
                    verdict == Verdict::valid;
  if (!said) {
    std::string word(to_string(verdict));
    // The gravest reason that decided; `saturated` says it all by itself.
    if (verdict != Verdict::saturated && !cell.judgement.reasons.empty()) {
      word += ": " + cell.judgement.reasons.front().code;
    }
    add(word);
  }
  if (cell.used < cell.trials && cell.used > 0) {
    add(fmt::format("{} of {} trials", cell.used, cell.trials));
  }
  return text;
}

using Columns = std::vector<const Metric*>;

// Without the ratios to a floor, where no cell has any.
Columns columns_of(int Places::*place, const Results& results,
                   const std::vector<CellSummary>& cells) {
  Columns columns = metrics_in(place, *results.metrics);
  std::erase_if(columns, [&](const Metric* metric) {
    return metric->field.form == Form::ratio &&
           std::ranges::none_of(cells, [&](const CellSummary& cell) {
             return cell.median(metric->name).has_value();
           });
  });
  return columns;
}

std::vector<std::string> row(const CellSummary& cell, const Columns& columns) {
  std::vector<std::string> cells{cell.cell.server};
  for (const Metric* const metric : columns) {
    cells.push_back(cell.used > 0 ? in_table(cell, *metric) : std::string(none));
  }
  cells.push_back(remarks(cell));
  return cells;
}

// A table for these cells, which has no rows yet.
Table cell_table(const Columns& columns) {
  std::vector<Table::Column> table{Table::left("server")};
  for (const Metric* const metric : columns) table.push_back(Table::right(metric->field.head));
  table.push_back(Table::left());
  return Table(std::move(table));
}

// How wide the table of all these cells is on a terminal.
std::size_t width_of(const std::vector<CellSummary>& cells, const Columns& columns, bool remarks) {
  Table table = cell_table(columns);
  for (const CellSummary& cell : cells) {
    std::vector<std::string> one = row(cell, columns);
    if (!remarks) one.back().clear();
    table.add(std::move(one));
  }
  std::size_t widest = 0;
  std::istringstream lines(table.print());
  for (std::string line; std::getline(lines, line);) widest = std::max(widest, display_width(line));
  return widest;
}

// Leaves out what there is no room for. True: there is room for the remarks, too, which say nothing
// that isn't said below the tables.
bool fit(Columns& columns, const std::vector<CellSummary>& cells, std::size_t width) {
  if (width == 0 || width_of(cells, columns, true) <= width) return true;
  for (const std::string_view name : less_important) {
    if (width_of(cells, columns, false) <= width) break;
    std::erase_if(columns, [&](const Metric* metric) { return metric->name == name; });
  }
  return width_of(cells, columns, true) <= width;
}

// A sentence as an item of a list, broken into lines for a terminal.
std::string wrapped(const std::string& sentence, std::string_view bullet = "-",
                    std::size_t columns = 96) {
  std::string out;
  for (const std::string& line : wrap_words(sentence, columns)) {
    out += fmt::format("{} {}\n", out.empty() ? bullet : " ", line);
  }
  return out;
}

// The same lines, none longer than that where words allow it.
std::string rewrapped(const std::string& text, std::size_t columns) {
  std::string out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    for (const std::string& part : wrap_words(line, columns)) out += part + "\n";
  }
  return out;
}

// Each worker of each server that has some, in the first trial that counts: which one gets much is
// chance, and so no figure over several trials.
std::string worker_ledger(const Results& results, const std::vector<CellSummary>& all) {
  Table table({Table::left("server"), Table::right("idle"), Table::right("rate"),
               Table::right("worker"), Table::right("connections"), Table::right("requests"),
               Table::right("CPU µs/req"), Table::right("switches/req")});
  for (const CellSummary& cell : all) {
    const std::vector<const Trial*> trials = used_trials(cell.cell, results);
    if (trials.empty() || !trials.front()->cost) continue;
    std::size_t number = 0;
    for (const WorkerCost& worker : trials.front()->cost->workers) {
      table.add({cell.cell.server, std::to_string(cell.cell.idle_connections),
                 fmt::format("{}", cell.cell.rate), std::to_string(++number),
                 worker.connections ? std::to_string(*worker.connections) : std::string(none),
                 percent(worker.requests_share), four_digits(worker.cpu_us_per_request),
                 four_digits(worker.switches_per_request)});
    }
  }
  if (table.empty()) return "";
  return "\nWorkers, each in the first trial of its cell\n" + table.print();
}

// The hosts of a run of one trial; of more, where to look.
std::string hosts(const Results& results, TableFormat format) {
  const auto several = std::ranges::count_if(
      results.trials, [](const Trial& trial) { return !trial.parts.empty(); });
  if (several == 0) return "";
  if (results.trials.size() == 1) return hosts_of(results.trials.front(), format) + "\n";
  return "What each client host saw: echomux show --hosts FILE\n\n";
}

// One line per trial, raw.
std::string csv(const Results& results) {
  std::string out = "server,idle_connections,rate,repetition,outcome,verdict,reasons";
  for (const Metric& metric : *results.metrics) out += fmt::format(",{}", metric.name);
  out += ",note\n";
  for (const Trial& trial : results.trials) {
    std::vector<std::string> codes;
    codes.reserve(trial.judgement.reasons.size());
    for (const Reason& reason : trial.judgement.reasons) codes.push_back(reason.code);
    out += fmt::format("{},{},{},{},{},{},{}", csv_field(trial.cell.server),
                       trial.cell.idle_connections, plain_number(trial.cell.rate), trial.repetition,
                       to_string(trial.outcome.kind), to_string(trial.judgement.verdict),
                       joined(codes, " "));
    for (const Metric& metric : *results.metrics) {
      const std::optional<double> value = trial.has_figures() ? metric.value(trial) : std::nullopt;
      out += value ? "," + plain_number(*value) : std::string(",");
    }
    out += "," + csv_field(trial.outcome.sentence) + "\n";
  }
  return out;
}

}  // namespace

std::string report(const Results& results, ReportFormat format, std::size_t width) {
  if (format == ReportFormat::csv) return csv(results);
  if (format == ReportFormat::json) return results_json(results);
  if (format == ReportFormat::compact) return compact_results_json(results);
  const RunContext& context = results.context;
  const bool markdown = format == ReportFormat::markdown;
  std::string out = fmt::format(
      "echomux {} ({}), {}: {}, {}, {} CPUs{}{}\n{}; {}.\n", context.build.version,
      context.build.git_commit, context.started, context.machine.kernel, context.machine.cpu_model,
      context.machine.cpus_usable, context.machine.hypervisor.empty() ? "" : ", virtual machine",
      markdown ? "  " : "", load_in_words(context.plan.load) + slices_in_words(context.plan),
      context.cpu_plan);
  if (width > 0 && !markdown) out = rewrapped(out, width);
  const std::vector<CellSummary> cells = summarize(results);
  Columns columns = columns_of(&Places::table, results, cells);
  const bool remarks = markdown || fit(columns, cells, width);
  const std::size_t text_width = width == 0 ? 96 : std::clamp<std::size_t>(width - 2, 20, 96);
  for (const std::size_t idle : context.plan.idle_connections) {
    for (const double rate : context.plan.rates) {
      Table table = cell_table(columns);
      for (const CellSummary& cell : cells) {
        if (cell.cell.idle_connections == idle && cell.cell.rate == rate) {
          std::vector<std::string> one = row(cell, columns);
          if (!remarks) one.back().clear();
          table.add(std::move(one));
        }
      }
      if (table.empty()) continue;
      const std::string title = fmt::format("{} idle connections, {}", idle, rate_in_words(rate));
      out += markdown ? "\n**" + title + "**\n\n" : "\n" + title + "\n";
      out += table.print(markdown ? TableFormat::markdown : TableFormat::text);
    }
  }
  out += "\n" + hosts(results, markdown ? TableFormat::markdown : TableFormat::text);
  // Where no server's own cost was measured, there is nothing to compare servers by.
  const bool costs = std::ranges::any_of(results.trials, [](const Trial& trial) {
    return trial.cost.has_value() || trial.parts.empty();
  });
  for (const std::string& sentence : costs ? answer(cells) : std::vector<std::string>()) {
    out += markdown ? sentence + "\n" : wrapped(sentence, " ", text_width);
  }
  if (costs) out += "\n";
  for (const auto& sentences :
       {explain_scanning(cells), explain_verdicts(cells), caveats(results, cells)}) {
    for (const std::string& sentence : sentences) {
      out += markdown ? "- " + sentence + "\n" : wrapped(sentence, "-", text_width);
    }
  }
  return out;
}

ReportFormat report_format(std::string_view name) {
  if (name == "markdown") return ReportFormat::markdown;
  if (name == "csv") return ReportFormat::csv;
  if (name == "compact") return ReportFormat::compact;
  return name == "json" ? ReportFormat::json : ReportFormat::text;
}

std::string cost_ledger(const Results& results) {
  constexpr std::string_view kernel_calls = "calls/req (kernel)";
  const std::vector<CellSummary> all = summarize(results);
  const Columns columns = columns_of(&Places::ledger, results, all);
  std::vector<Table::Column> head{Table::left("server"), Table::right("idle"),
                                  Table::right("rate")};
  for (const Metric* const metric : columns) head.push_back(Table::right(metric->field.head));
  head.push_back(Table::right(kernel_calls));
  Table table(std::move(head));
  for (const CellSummary& cell : all) {
    if (cell.used == 0) continue;
    std::vector<std::string> cells{cell.cell.server, std::to_string(cell.cell.idle_connections),
                                   fmt::format("{}", cell.cell.rate)};
    for (const Metric* const metric : columns) {
      cells.push_back(four_digits(cell.median(metric->name)));
    }
    cells.push_back(figure_in_words(cell.system_calls_per_request));
    table.add(std::move(cells));
  }
  std::string out = table.print();
  out += worker_ledger(results, all);
  out += "\n";
  for (const auto& [reason, figures] : missing_figures(results, kernel_calls)) {
    out += wrapped(fmt::format("unavailable: {}, because {}", joined(figures, ", "), reason));
  }
  for (const auto& [figure, source] : ledger_sources()) {
    out += wrapped(fmt::format("{}: {}", figure, source));
  }
  return out;
}

std::string hosts_report(const Results& results) {
  std::string out;
  for (const Trial& trial : results.trials) {
    if (trial.parts.empty()) continue;
    out += fmt::format("{}{}, {} idle connections, {}, repetition {}\n", out.empty() ? "" : "\n",
                       trial.cell.server, trial.cell.idle_connections,
                       rate_in_words(trial.cell.rate), trial.repetition);
    out += hosts_of(trial);
  }
  return out.empty() ? "One client put on the load of each of these trials.\n" : out;
}

std::string one_line(const Trial& trial) {
  if (!trial.has_figures()) return trial.outcome.sentence;
  std::string text =
      fmt::format("p50 {} µs, p99 {} µs", figure_in_words(trial.load->latency_us.p50),
                  figure_in_words(trial.load->latency_us.p99));
  if (trial.cost) {
    text +=
        fmt::format(", {} µs of CPU per request", figure_in_words(trial.cost->cpu_us_per_request));
  }
  if (trial.judgement.verdict != Verdict::valid) {
    text += fmt::format(", {}", to_string(trial.judgement.verdict));
    if (!trial.judgement.reasons.empty() && trial.judgement.verdict != Verdict::saturated) {
      text += fmt::format(" ({})", trial.judgement.reasons.front().code);
    }
  }
  return trial.outcome.sentence.empty() ? text : text + ", " + trial.outcome.sentence;
}

}  // namespace echomux
