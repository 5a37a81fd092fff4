#include "harness/results/results_file.hpp"

#include <fmt/core.h>

#include <array>
#include <ctime>
#include <fstream>
#include <istream>

#include "harness/bench/summary.hpp"
#include "harness/text/whole_file.hpp"
#include "harness/text/words.hpp"
#include "harness/text/json.hpp"

namespace echomux {
namespace {

constexpr int schema_version = 2;
// A larger file is none of ours, and is not worth filling the memory with.
constexpr std::uintmax_t largest_file_bytes = std::uintmax_t{64} * 1024 * 1024;
// Nor is one whose plan has more cells than anyone measures.
constexpr std::size_t most_cells = 100'000;
constexpr double longest_seconds = 1e6;

double to_seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

std::chrono::nanoseconds from_seconds(double seconds) {
  if (!(seconds >= 0 && seconds <= longest_seconds)) {
    throw std::runtime_error(fmt::format("{} s is no time that is measured for", seconds));
  }
  return std::chrono::round<std::chrono::nanoseconds>(std::chrono::duration<double>(seconds));
}

Json to_json(const SweepPlan& plan) {
  Json servers = Json::array();
  for (const ServerSpec& server : plan.servers) {
    servers.push_back({{"name", server.name},
                       {"backend", server.backend},
                       {"options", server.options},
                       {"command", server.command}});
  }
  return {{"servers", servers},
          {"idle_connections", plan.idle_connections},
          {"rates", plan.rates},
          {"active_connections", plan.active_connections},
          {"message_bytes", plan.message_bytes},
          {"warmup_seconds", to_seconds(plan.warmup)},
          {"duration_seconds", to_seconds(plan.duration)},
          {"timeout_seconds", to_seconds(plan.timeout)},
          {"repetitions", plan.repetitions},
          {"seed", plan.seed},
          {"pin", plan.pin},
          {"keep_awake", plan.keep_awake},
          {"count_system_calls", plan.count_system_calls}};
}

SweepPlan plan_from(const Json& json) {
  SweepPlan plan;
  for (const Json& server : json.at("servers")) {
    plan.servers.push_back({.name = server.at("name").get<std::string>(),
                            .backend = server.at("backend").get<std::string>(),
                            .options = server.at("options").get<std::vector<std::string>>(),
                            .command = server.at("command").get<std::string>()});
  }
  json.at("idle_connections").get_to(plan.idle_connections);
  json.at("rates").get_to(plan.rates);
  json.at("active_connections").get_to(plan.active_connections);
  json.at("message_bytes").get_to(plan.message_bytes);
  plan.warmup = from_seconds(json.at("warmup_seconds").get<double>());
  plan.duration = from_seconds(json.at("duration_seconds").get<double>());
  plan.timeout = from_seconds(json.at("timeout_seconds").get<double>());
  json.at("repetitions").get_to(plan.repetitions);
  json.at("seed").get_to(plan.seed);
  json.at("pin").get_to(plan.pin);
  json.at("keep_awake").get_to(plan.keep_awake);
  json.at("count_system_calls").get_to(plan.count_system_calls);
  // Each factor alone first, for the product could wrap around.
  const std::array factors{plan.servers.size(), plan.idle_connections.size(), plan.rates.size()};
  std::size_t cells = 1;
  for (const std::size_t factor : factors) {
    if (factor > most_cells || (cells *= factor) > most_cells) {
      throw std::runtime_error(fmt::format("its plan has more than {} cells", most_cells));
    }
  }
  return plan;
}

Json cell_json(const Cell& cell) {
  return {
      {"server", cell.server}, {"idle_connections", cell.idle_connections}, {"rate", cell.rate}};
}

Cell cell_from(const Json& json) {
  Cell cell;
  json.at("server").get_to(cell.server);
  json.at("idle_connections").get_to(cell.idle_connections);
  json.at("rate").get_to(cell.rate);
  return cell;
}

Json to_json(const std::vector<Reason>& reasons) {
  Json array = Json::array();
  for (const Reason& reason : reasons) {
    array.push_back({{"verdict", to_string(reason.verdict)},
                     {"code", reason.code},
                     {"sentence", reason.sentence}});
  }
  return array;
}

Json to_json(const ServerCost& cost) {
  return {{"requests", cost.requests},
          {"cpu_us_per_request", cost.cpu_us_per_request},
          {"busy_share", cost.busy_share},
          {"user_us_per_request", cost.user_us_per_request},
          {"system_us_per_request", cost.system_us_per_request},
          {"voluntary_switches_per_request", cost.voluntary_switches_per_request},
          {"involuntary_switches_per_request", cost.involuntary_switches_per_request},
          {"run_queue_share", cost.run_queue_share},
          {"resident_bytes_per_connection", cost.resident_bytes_per_connection},
          {"kernel_bytes_per_connection", cost.kernel_bytes_per_connection},
          {"steal_share", cost.steal_share},
          {"threads", cost.threads},
          {"processes", cost.processes},
          {"cpus", cost.cpus},
          {"counters", cost.counters},
          {"unavailable", cost.unavailable}};
}

ServerCost cost_from(const Json& json) {
  ServerCost cost;
  json.at("requests").get_to(cost.requests);
  json.at("cpu_us_per_request").get_to(cost.cpu_us_per_request);
  json.at("busy_share").get_to(cost.busy_share);
  json.at("user_us_per_request").get_to(cost.user_us_per_request);
  json.at("system_us_per_request").get_to(cost.system_us_per_request);
  json.at("voluntary_switches_per_request").get_to(cost.voluntary_switches_per_request);
  json.at("involuntary_switches_per_request").get_to(cost.involuntary_switches_per_request);
  json.at("run_queue_share").get_to(cost.run_queue_share);
  json.at("resident_bytes_per_connection").get_to(cost.resident_bytes_per_connection);
  json.at("kernel_bytes_per_connection").get_to(cost.kernel_bytes_per_connection);
  json.at("steal_share").get_to(cost.steal_share);
  json.at("threads").get_to(cost.threads);
  json.at("processes").get_to(cost.processes);
  json.at("cpus").get_to(cost.cpus);
  json.at("counters").get_to(cost.counters);
  json.at("unavailable").get_to(cost.unavailable);
  return cost;
}

Json to_json(const Trial& trial) {
  Json json = cell_json(trial.cell);
  json["repetition"] = trial.repetition;
  json["active_connections"] = trial.active_connections;
  json["outcome"] = to_string(trial.outcome);
  json["note"] = trial.note;
  json["verdict"] = to_string(trial.judgement.verdict);
  json["reasons"] = to_json(trial.judgement.reasons);
  json["load"] = trial.load ? to_json(*trial.load) : Json(nullptr);
  json["cost"] = trial.cost ? to_json(*trial.cost) : Json(nullptr);
  return json;
}

Trial trial_from(const Json& json) {
  Trial trial;
  trial.cell = cell_from(json);
  json.at("repetition").get_to(trial.repetition);
  json.at("active_connections").get_to(trial.active_connections);
  trial.outcome = outcome_from(json.at("outcome").get<std::string>());
  json.at("note").get_to(trial.note);
  trial.judgement.verdict = verdict_from(json.at("verdict").get<std::string>());
  for (const Json& reason : json.at("reasons")) {
    trial.judgement.reasons.push_back({verdict_from(reason.at("verdict").get<std::string>()),
                                       reason.at("code").get<std::string>(),
                                       reason.at("sentence").get<std::string>()});
  }
  if (!json.at("load").is_null()) trial.load = load_report_from(json.at("load"));
  if (!json.at("cost").is_null()) trial.cost = cost_from(json.at("cost"));
  return trial;
}

Json summary_json(const Results& results) {
  Json cells = Json::array();
  for (const CellSummary& cell : summarize(results)) {
    Json json = cell_json(cell.cell);
    json["trials"] = cell.trials;
    json["used"] = cell.used;
    json["outcome"] = to_string(cell.outcome);
    json["note"] = cell.note;
    json["verdict"] = to_string(cell.judgement.verdict);
    json["reasons"] = to_json(cell.judgement.reasons);
    json["system_calls_per_request"] = cell.system_calls_per_request;
    json["metrics"] = Json::object();
    for (const Metric& metric : metrics()) {
      const MetricSummary& summary = cell.metrics.at(metric.name);
      if (summary.values.empty()) continue;
      const auto& bounds = summary.interval.bounds;
      json["metrics"][std::string(metric.name)] = {
          {"median", summary.interval.median},
          {"low", bounds ? Json(bounds->low) : Json(nullptr)},
          {"high", bounds ? Json(bounds->high) : Json(nullptr)},
          {"values", summary.values},
          {"outlying_repetitions", summary.outliers}};
    }
    cells.push_back(std::move(json));
  }
  return cells;
}

Json to_json(const Results& results) {
  const RunContext& context = results.context;
  Json json{{"schema_version", schema_version},
            {"started", context.started},
            {"command", context.command},
            {"build", to_json(context.build)},
            {"machine", to_json(context.machine)},
            {"cpu_plan", context.cpu_plan},
            {"plan", to_json(context.plan)},
            {"sources", Json::object()},
            {"client_ceiling_rps", results.client_ceiling_rps},
            {"summary", summary_json(results)}};
  for (const auto& [figure, source] : ledger_sources()) json["sources"][figure] = source;
  json["trials"] = Json::array();
  for (const Trial& trial : results.trials) json["trials"].push_back(to_json(trial));
  json["system_calls"] = Json::array();
  for (const SystemCallCount& count : results.system_calls) {
    Json entry = cell_json(count.cell);
    entry["per_request"] = count.per_request;
    entry["unavailable"] = count.unavailable;
    json["system_calls"].push_back(std::move(entry));
  }
  return json;
}

Results results_from(const Json& json) {
  Results results;
  RunContext& context = results.context;
  json.at("started").get_to(context.started);
  json.at("command").get_to(context.command);
  context.build = build_from(json.at("build"));
  context.machine = machine_from(json.at("machine"));
  json.at("cpu_plan").get_to(context.cpu_plan);
  context.plan = plan_from(json.at("plan"));
  json.at("client_ceiling_rps").get_to(results.client_ceiling_rps);
  for (const Json& trial : json.at("trials")) results.trials.push_back(trial_from(trial));
  for (const Json& count : json.at("system_calls")) {
    results.system_calls.push_back(
        {.cell = cell_from(count),
         .per_request = count.at("per_request").get<std::optional<double>>(),
         .unavailable = count.at("unavailable").get<std::string>()});
  }
  return results;
}

}  // namespace

const std::vector<std::pair<std::string, std::string>>& ledger_sources() {
  static const std::vector<std::pair<std::string, std::string>> sources{
      {"latency_us", "client: from when a message was due to the last byte of its echo"},
      {"latency_uncorrected_us", "client: from when a message was really sent"},
      {"cpu_us_per_request",
       "the CPU clocks of all processes of the server (clock_getcpuclockid(3)) over the measured "
       "time, divided by the requests answered in it"},
      {"user_us_per_request, system_us_per_request",
       "the same time, in the proportion of clock ticks (utime, stime of /proc/PID/stat)"},
      {"busy_share", "the same time over the wall-clock time: 1 is one CPU"},
      {"voluntary_switches_per_request, involuntary_switches_per_request",
       "/proc/PID/task/*/status over the measured time"},
      {"run_queue_share", "/proc/PID/task/*/schedstat over the measured time"},
      {"counters", "the server's own, its snapshot at the end minus that at the begin"},
      {"system_calls", "the kernel's tracepoint raw_syscalls:sys_enter, in a pass of its own"},
      {"resident_bytes_per_connection",
       "resident memory (/proc/PID/statm) with all connections open, minus before the first"},
      {"kernel_bytes_per_connection",
       "Slab of /proc/meminfo likewise: of the whole system, and so of both ends"},
      {"client.cpu_us_per_request", "the CPU clocks of the client's threads"},
      {"steal_share", "/proc/stat, of the CPUs that the client or the server may use"}};
  return sources;
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
          .cpu_plan = plan_cpus(plan.pin, plan.keep_awake).explanation,
          .plan = plan};
}

std::string results_json(const Results& results) {
  return to_json(results).dump(1) + "\n";
}

void write_results(const std::filesystem::path& path, const Results& results) {
  write_whole_file(path, results_json(results), "results");
}

Results parse_results(std::istream& text) {
  const Json json = Json::parse(text);
  if (json.at("schema_version") != schema_version) {
    throw std::runtime_error(fmt::format("its schema_version is {}, this program reads {}",
                                         json.at("schema_version").is_structured()
                                             ? "no number"  // dump() would recurse into it
                                             : json.at("schema_version").dump(),
                                         schema_version));
  }
  return results_from(json);
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
