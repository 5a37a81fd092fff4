#include "harness/results/results_file.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <fstream>
#include <istream>

#include "harness/bench/summary.hpp"
#include "harness/results/cell_histograms.hpp"
#include "harness/results/trial_rows.hpp"
#include "harness/text/field_json.hpp"
#include "harness/text/json.hpp"
#include "harness/text/whole_file.hpp"
#include "harness/text/words.hpp"

namespace echomux {
namespace {

// What is written, and the oldest that is still read.
constexpr int schema_version = 8;
constexpr int oldest_schema_version = 2;
// A larger file is none of ours, and is not worth filling the memory with.
constexpr std::uintmax_t largest_file_bytes = std::uintmax_t{64} * 1024 * 1024;
// Nor is one whose plan has more cells than anyone measures.
constexpr std::size_t most_cells = 100'000;

// Throws std::runtime_error for a plan of more cells than that.
void check_size(const SweepPlan& plan) {
  // Each factor alone first, because the product could wrap around.
  std::size_t cells = 1;
  for (const std::size_t factor :
       {plan.servers.size(), plan.idle_connections.size(), plan.rates.size()}) {
    if (factor > most_cells || (cells *= factor) > most_cells) {
      throw std::runtime_error(fmt::format("its plan has more than {} cells", most_cells));
    }
  }
}

template <typename T>
void add_sources(std::vector<Field>& to) {
  for_each_field(Of<T>{}, [&](const Field& field, auto) {
    if (!field.source.empty()) to.push_back(field);
  });
}

// With six digits, and never fewer than three behind the point: no figure is as exact as that.
Json with_digits(const Json& value) {
  Json result = value;
  if (value.is_object()) {
    for (const auto& [name, member] : value.items()) result[name] = with_digits(member);
  } else if (value.is_array()) {
    std::ranges::transform(value, result.begin(), with_digits);
  } else if (value.is_number() && !value.is_number_unsigned()) {
    const auto number = value.get<double>();
    result = Json::parse(std::abs(number) < 1000 ? fmt::format("{:.6g}", number)
                                                 : fmt::format("{:.3f}", number));
  }
  return result;
}

int version_of(const Results& /*results*/) {
  return schema_version;
}

const std::vector<std::pair<std::string, std::string>>& sources_of(const Results& /*results*/) {
  return ledger_sources();
}

}  // namespace

template <typename Visit>
void for_each_field(Of<ServerSpec>, Visit visit) {
  visit({"name"}, &ServerSpec::name);
  visit({"backend"}, &ServerSpec::backend);
  visit({"options"}, &ServerSpec::options);
  visit({"command"}, &ServerSpec::command);
}

template <typename Visit>
void for_each_field(Of<SweepPlan>, Visit visit) {
  visit({"servers"}, &SweepPlan::servers);
  visit({"idle_connections"}, &SweepPlan::idle_connections);
  visit({"rates"}, &SweepPlan::rates);
  // What all trials have of the load; the rest is said above.
  for_each_field(Of<Load>{}, [&](auto field, auto member) {
    if constexpr (requires { field.of_bench; }) {
      field.name = field.of_bench.name;
      field.since = field.of_bench.since;
      visit(
          field, [member](auto& plan) -> auto& { return plan.load.*member; });
    }
  });
  visit({"repetitions"}, &SweepPlan::repetitions);
  visit({.name = "slice_seconds",
         .explanation = "Of the windows in which the servers of a row are loaded in turn; 0: each "
                        "trial has one window and a fresh server of its own.",
         .title = "seconds of a slice",
         .since = 3},
        &SweepPlan::slice);
  visit({.name = "descriptors",
         .explanation = "That a server of the user's may open; null where there is none.",
         .since = 4},
        &SweepPlan::descriptors);
  visit({.name = "start_timeout_seconds",
         .explanation = "A server that doesn't listen by then has failed.",
         .since = 4},
        &SweepPlan::start_timeout);
  visit({"seed"}, &SweepPlan::seed);
  visit({"pin"}, &SweepPlan::pin);
  visit({.name = "server_cpus",
         .explanation = "That the server was pinned to by the user's choice.",
         .since = 6},
        &SweepPlan::server_cpus);
  visit({"keep_awake"}, &SweepPlan::keep_awake);
  visit({"count_system_calls"}, &SweepPlan::count_system_calls);
}

template <typename Visit>
void for_each_field(Of<RunContext>, Visit visit) {
  visit({"started", "ISO 8601, UTC."}, &RunContext::started);
  visit({"command"}, &RunContext::command);
  visit({"build"}, &RunContext::build);
  visit({"machine", "What a reader needs to judge a measurement made on it."},
        &RunContext::machine);
  visit({"cpu_plan"}, &RunContext::cpu_plan);
  visit({"plan"}, &RunContext::plan);
}

template <typename Visit>
void for_each_field(Of<Results>, Visit visit) {
  visit({"schema_version"}, &version_of);
  visit({}, &Results::context);
  visit({"sources", "Where each figure comes from."}, &sources_of);
  visit({"client_ceiling_rps", "What the client reaches against the floor in a closed loop."},
        &Results::client_ceiling_rps);
  visit({"summary"}, &summarize);
  visit({"trials"}, &Results::trials);
  visit({.name = "system_calls",
         .source = "the kernel's tracepoint raw_syscalls:sys_enter, in a pass of its own",
         .places = {.ledger = 14}},
        &Results::system_calls);
  visit({.name = "histograms",
         .explanation = "Of the cells with several trials; else a trial has its own.",
         .since = 8},
        &Results::histograms);
}

namespace {

// Fields with the same source share a line.
std::vector<std::pair<std::string, std::string>> all_sources() {
  std::vector<Field> fields;
  add_sources<LoadReport>(fields);
  add_sources<ServerCost>(fields);
  add_sources<Results>(fields);
  std::ranges::stable_sort(fields, {}, [](const Field& field) { return field.places.ledger; });
  std::vector<std::pair<std::string, std::string>> sources;
  for (const Field& field : fields) {
    if (!sources.empty() && sources.back().second == field.source) {
      sources.back().first += fmt::format(", {}", field.name);
    } else {
      sources.emplace_back(field.name, field.source);
    }
  }
  return sources;
}

}  // namespace

const std::vector<std::pair<std::string, std::string>>& ledger_sources() {
  static const std::vector<std::pair<std::string, std::string>> all = all_sources();
  return all;
}

std::string iso_time_now() {
  return utc_now("%Y-%m-%dT%H:%M:%SZ");
}

std::vector<std::string> own_command_line() {
  std::ifstream file("/proc/self/cmdline");
  std::vector<std::string> words;
  for (std::string word; std::getline(file, word, '\0');) words.push_back(word);
  return words;
}

RunContext describe_run(const SweepPlan& plan, std::vector<std::string> command) {
  return {.started = iso_time_now(),
          .command = std::move(command),
          .build = build_info(),
          .machine = describe_machine(),
          .cpu_plan = plan_cpus(plan.pin, plan.keep_awake, plan.server_cpus).explanation,
          .plan = plan};
}

std::string results_json(const Results& results) {
  return json_of(results).dump(1) + "\n";
}

std::string compact_results_json(Results results) {
  add_histograms(results);
  for (Trial& trial : results.trials) {
    if (trial.cost) trial.cost->slice_cpu_us_per_request.clear();
  }
  Json json = json_of(results);
  for (const char* const follows : {"sources", "summary"}) json.erase(follows);
  json["trials"] = rows_of(with_digits(json.at("trials")));
  return in_lines(json) + "\n";
}

std::string results_schema(const std::vector<Metric>& summarized) {
  Json schema{{"$schema", "http://json-schema.org/draft-07/schema#"},
              {"title", "Results of echomux bench"},
              {"description",
               "Times in microseconds and shares between 0 and 1 unless a name says otherwise."}};
  schema.update(schema_of<Results>());
  Json& properties = schema["properties"];
  properties["schema_version"] = {{"const", schema_version}};
  Json names = Json::array();
  for (const Metric& metric : summarized) names.push_back(metric.name);
  properties["summary"]["items"]["properties"]["metrics"]["propertyNames"] = {{"enum", names}};
  // The compact form has no more than was measured, and its trials in rows.
  Json& required = schema["required"];
  Json needed = Json::array();
  for (const Json& name : required) {
    if (name != Json("summary") && name != Json("sources")) needed.push_back(name);
  }
  required = needed;
  Json table = object_schema();
  for (const char* const part : {"same", "words"}) {
    add_to_schema({part}, {{"type", "object"}}, table);
  }
  for (const char* const part : {"columns", "rows"}) {
    add_to_schema({part}, {{"type", "array"}}, table);
  }
  table["description"] = "The compact form: see harness/results/trial_rows.hpp.";
  properties["trials"] = {{"oneOf", Json::array({properties.at("trials"), table})}};
  return schema.dump(1) + "\n";
}

void write_results(const std::filesystem::path& path, const Results& results) {
  write_whole_file(path, results_json(results), "results");
}

FileDescriptor write_and_hold_results(const std::filesystem::path& path, const Results& results) {
  return write_and_hold(path, results_json(results), "results");
}

Results parse_results(std::istream& text) {
  Json json = Json::parse(text);
  const Json version = json.at("schema_version");
  for (int known = oldest_schema_version; known <= schema_version; ++known) {
    if (version != known) continue;
    Results results;
    // Before version 4 nothing else was sent, and so it wasn't said.
    if (known < 4) results.context.plan.load.payload = Payload::binary;
    if (json.at("trials").is_object()) json["trials"] = objects_of(json.at("trials"));
    read_json(json, results, known);
    check_size(results.context.plan);
    // A load's kind follows from its end, and a trial's reason stands with its load alone.
    for (Trial& trial : results.trials) {
      trial.outcome.reason = trial.load ? trial.load->outcome.reason : RunEnd::not_run;
      if (trial.load) trial.load->outcome.end(trial.outcome.reason);
      for (LoadPart& part : trial.parts) part.load.outcome.end(part.load.outcome.reason);
    }
    return results;
  }
  throw std::runtime_error(fmt::format(
      "its schema_version is {}, this program reads {} to {}",
      version.is_structured() ? "no number" : version.dump(),  // dump() would recurse into it
      oldest_schema_version, schema_version));
}

Results read_results(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error(fmt::format("cannot read {}", path.string()));
  try {
    std::error_code not_a_file;
    if (std::filesystem::file_size(path, not_a_file) > largest_file_bytes && !not_a_file) {
      throw std::runtime_error("it is too large");
    }
    return parse_results(file);
  } catch (const std::exception& error) {
    throw std::runtime_error(
        fmt::format("{} is not a results file of echomux: {}", path.string(), error.what()));
  }
}

}  // namespace echomux
