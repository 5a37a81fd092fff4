#include "report/report_page.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

#include "generated/page_parts.hpp"
#include "harness/bench/summary.hpp"
#include "harness/results/cell_histograms.hpp"
#include "harness/results/compare.hpp"
#include "harness/text/field_json.hpp"
#include "harness/text/json.hpp"
#include "harness/text/number_text.hpp"
#include "harness/text/words.hpp"
#include "report/answer.hpp"
#include "report/explanations.hpp"
#include "report/spectrum.hpp"

namespace echomux {
namespace {

// The kernel's count where there is one, else the server's own: not a metric of a single trial.
constexpr std::string_view system_calls = "system_calls_per_request";

// What a cell has figures of: the metrics, and what was counted beside the trials.
std::vector<std::pair<std::string, Field>> figures_of(const Results& results) {
  std::vector<std::pair<std::string, Field>> figures;
  for (const Metric& metric : *results.metrics) figures.emplace_back(metric.name, metric.field);
  for_each_field(Of<CellSummary>{}, [&](const Field& field, auto) {
    if (!field.head.empty()) figures.emplace_back(field.name, field);
  });
  return figures;
}

Json to_json(const MetricSummary& summary) {
  return {{"median", summary.median()},
          {"low", summary.low()},
          {"high", summary.high()},
          {"values", summary.values},
          {"outliers", summary.outliers.size()}};
}

Json metrics_of(const CellSummary& cell) {
  Json json = Json::object();
  for (const auto& [name, summary] : cell.metrics) {
    if (!summary.values.empty()) json[std::string(name)] = to_json(summary);
  }
  if (const auto count = cell.system_calls_per_request) {
    json[std::string(system_calls)] =
        to_json({.values = {*count}, .repetitions = {}, .outliers = {}, .interval = {*count, {}}});
  } else if (json.contains("calls_per_request")) {
    json[std::string(system_calls)] = json["calls_per_request"];
  }
  return json;
}

// Null where there is no histogram that can be read.
Json spectrum_of(const std::optional<LatencyHistogram>& sum) {
  if (!sum) return nullptr;
  Json points;
  for (const auto& [share, us] : spectrum(*sum)) points.push_back({share, us});
  return points;
}

Json to_json(const CellSummary& cell, const Results& results) {
  Json json = json_of(cell);
  json["metrics"] = metrics_of(cell);
  const CellLatencies latencies = latencies_of(cell.cell, results);
  json["spectrum"] = spectrum_of(latencies.from_due);
  json["spectrum_uncorrected"] = spectrum_of(latencies.from_sent);
  json.erase(system_calls);  // it is among the metrics
  return json;
}

// What was run and on what, in the order in which a reader asks.
Json facts_of(const Results& results) {
  const RunContext& context = results.context;
  const Machine& machine = context.machine;
  const Build& build = context.build;
  Json facts = Json::array();
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) facts.push_back({name, value});
  };
  add("Begun", context.started);
  add("Load", load_in_words(context.plan.load) + slices_in_words(context.plan));
  add("Trials", fmt::format("{} of each cell, in random order (seed {})", context.plan.repetitions,
                            context.plan.seed));
  add("CPUs", context.cpu_plan);
  add("Machine", fmt::format("{}, {} CPUs usable, {:.1f} GiB of memory", machine.cpu_model,
                             machine.cpus_usable,
                             static_cast<double>(machine.memory_bytes) / (1024.0 * 1024 * 1024)));
  add("Virtual machine", machine.hypervisor);
  add("Container", machine.container);
  add("Kernel", machine.kernel);
  add("System", machine.distribution);
  add("CPU accounting", machine.cpu_accounting);
  if (machine.limits.descriptors_hard) {
    add("Descriptors", fmt::format("{} at most", count_in_words(*machine.limits.descriptors_hard)));
  }
  if (results.client_ceiling_rps) {
    add("Client's own limit",
        whole_number(*results.client_ceiling_rps) + " requests/s, against the floor");
  }
  add("Built from", fmt::format("echomux {} ({}), {}, {}", build.version, build.git_commit,
                                build.compiler, build.build_type));
  add("Command", joined(context.command, " "));
  return facts;
}

// Each reason for which figures are missing, once.
Json missing_from(const Results& results) {
  Json json = Json::array();
  for (const auto& [reason, figures] : missing_figures(results, system_calls)) {
    json.push_back({{"figures", std::vector(figures.begin(), figures.end())}, {"reason", reason}});
  }
  return json;
}

Json run_data(const LabelledResults& run, const std::vector<CellSummary>& cells) {
  const RunContext& context = run.results.context;
  Json servers = Json::array();
  for (const ServerSpec& server : context.plan.servers) servers.push_back(server.name);
  Json json{{"label", run.label},
            {"started", context.started},
            {"facts", facts_of(run.results)},
            {"repetitions", context.plan.repetitions},
            {"idle_connections", context.plan.idle_connections},
            {"rates", context.plan.rates},
            {"servers", std::move(servers)},
            {"cells", Json::array()},
            {"missing", missing_from(run.results)}};
  for (const CellSummary& cell : cells) json["cells"].push_back(to_json(cell, run.results));
  return json;
}

Json comparison_data(const LabelledResults& a, const LabelledResults& b) {
  Json json{{"a", a.label}, {"b", b.label}, {"differences", nullptr}, {"tables", Json::array()}};
  for (const char* const name : {"cpu_us_per_request", "latency_us_p50"}) {
    const Metric& metric = find_metric(name);
    const Comparison comparison = compare(a.results, b.results, metric);
    json["differences"] = comparison.differences;
    Json table{{"metric", name}, {"title", metric.field.head}, {"cells", Json::array()}};
    for (const CellComparison& cell : comparison.cells) {
      table["cells"].push_back(to_json(cell));
    }
    json["tables"].push_back(std::move(table));
  }
  return json;
}

// Every server of any run once, in the order in which they first come.
Json servers_data(const std::vector<LabelledResults>& runs) {
  Json servers = Json::array();
  std::set<std::string> seen;
  for (const LabelledResults& run : runs) {
    for (const ServerSpec& server : run.results.context.plan.servers) {
      if (!seen.insert(server.name).second) continue;
      servers.push_back({{"name", server.name}});
    }
  }
  return servers;
}

// What the reader can choose to see, of what any cell has a figure for; the first is what the page
// opens with.
Json metrics_data(std::vector<std::pair<std::string, Field>> figures, const Json& runs) {
  std::ranges::stable_sort(figures, {},
                           [](const auto& figure) { return figure.second.places.page; });
  Json metrics = Json::array();
  for (const auto& [name, field] : figures) {
    const bool there = std::ranges::any_of(runs, [&](const Json& run) {
      return std::ranges::any_of(
          run.at("cells"), [&](const Json& cell) { return cell.at("metrics").contains(name); });
    });
    if (field.places.page == 0 || !there) continue;
    metrics.push_back({{"name", name},
                       {"title", field.title},
                       {"unit", field.unit},
                       {"explanation", field.explanation}});
  }
  return metrics;
}

// Of each claim what a reader sees; the evidence stays in its file.
Json claims_data(const Json& document) {
  if (document.is_null()) return nullptr;
  Json data{{"started", document.at("started")},
            {"build", document.at("build")},
            {"machine", document.at("machine")},
            {"claims", Json::array()}};
  for (const Json& claim : document.at("claims")) {
    Json kept = Json::object();
    for (const char* const field : {"id", "sentence", "verdict", "because"}) {
      kept[field] = claim.at(field);
    }
    data["claims"].push_back(std::move(kept));
  }
  return data;
}

// JSON that can stand inside a script element: nothing in it can be taken for markup.
std::string embeddable(const Json& json) {
  const std::string text = json.dump();
  std::string safe;
  safe.reserve(text.size());
  for (const char c : text) {
    if (c == '<' || c == '>' || c == '&') {
      safe += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      safe += c;
    }
  }
  return safe;
}

}  // namespace

Json report_data(const std::vector<LabelledResults>& runs, const FurtherDocuments& further) {
  std::vector<std::string> labels;
  labels.reserve(runs.size());
  for (const LabelledResults& run : runs) labels.push_back(run.label);
  const Build build = build_info();
  Json data{{"title", fmt::format("echomux report: {}", list_in_words(labels))},
            {"program", fmt::format("echomux {} ({})", build.version, build.git_commit)},
            {"answer", Json::array()},
            {"caveats", Json::array()},
            {"metrics", nullptr},
            {"heads", Json::object()},
            {"servers", servers_data(runs)},
            {"runs", Json::array()},
            {"comparisons", Json::array()},
            {"sources", Json::array()},
            {"claims", claims_data(further.claims)},
            {"figures", further.figures}};
  for (const LabelledResults& run : runs) {
    const std::vector<CellSummary> cells = summarize(run.results);
    for (const std::string& sentence : answer(cells)) {
      data["answer"].push_back(runs.size() == 1 ? sentence : run.label + ": " + sentence);
    }
    for (const std::string& sentence : caveats(run.results, cells)) {
      if (std::ranges::find(data["caveats"], Json(sentence)) == data["caveats"].end()) {
        data["caveats"].push_back(sentence);
      }
    }
    data["runs"].push_back(run_data(run, cells));
    if (&run != &runs.front()) data["comparisons"].push_back(comparison_data(runs.front(), run));
  }
  const auto figures = figures_of(runs.empty() ? Results{} : runs.front().results);
  data["metrics"] = metrics_data(figures, data["runs"]);
  for (const auto& [name, field] : figures) data["heads"][name] = field.head;
  for (const auto& [figure, source] : ledger_sources()) data["sources"].push_back({figure, source});
  return data;
}

std::string report_page(const std::vector<LabelledResults>& runs, const FurtherDocuments& further) {
  const std::string scripts =
      fmt::format("const PALETTE = {};\n{}{}", page::palette, page::drawing, page::script);
  const std::map<std::string_view, std::string> parts{
      {"@STYLE@", std::string(page::style)},
      {"@D3@", std::string(page::d3)},
      {"@DATA@", embeddable(report_data(runs, further))},
      {"@SCRIPT@", scripts}};
  // Each placeholder is looked for in the template alone: what the data holds is never one.
  std::string out;
  std::string_view rest = page::html;
  while (true) {
    std::size_t next = rest.size();
    std::string_view found;
    for (const auto& [placeholder, text] : parts) {
      const std::size_t at = rest.find(placeholder);
      if (at < next) {
        next = at;
        found = placeholder;
      }
    }
    out += rest.substr(0, next);
    if (found.empty()) return out;
    out += parts.at(found);
    rest.remove_prefix(next + found.size());
  }
}

}  // namespace echomux
