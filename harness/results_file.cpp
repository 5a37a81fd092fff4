#include "harness/results_file.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include <array>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>

#include "harness/cpu.hpp"

namespace echomux {
namespace {

using Json = nlohmann::ordered_json;

constexpr int schema_version = 1;

constexpr std::array all_outcomes{TrialOutcome::measured,   TrialOutcome::starved,
                                  TrialOutcome::over_limit, TrialOutcome::not_possible,
                                  TrialOutcome::failed,     TrialOutcome::interrupted};

Json to_json(const Trial::Latency& latency) {
  return {{"p50", latency.p50},     {"p90", latency.p90}, {"p99", latency.p99},
          {"p99_9", latency.p99_9}, {"max", latency.max}, {"mean", latency.mean}};
}

Trial::Latency latency_from(const Json& json) {
  return {.p50 = json.at("p50"),
          .p90 = json.at("p90"),
          .p99 = json.at("p99"),
          .p99_9 = json.at("p99_9"),
          .max = json.at("max"),
          .mean = json.at("mean")};
}

Json to_json(const Trial& trial) {
  Json json{{"server", trial.server},
            {"idle_connections", trial.idle_connections},
            {"active_connections", trial.active_connections},
            {"outcome", to_string(trial.outcome)},
            {"saturated", trial.saturated},
            {"note", trial.note},
            {"open_ms", trial.open_ms},
            {"connections_lost", trial.connections_lost}};
  if (trial.requests == 0) return json;
  json["offered_rps"] = trial.offered_rps;
  json["achieved_rps"] = trial.achieved_rps;
  json["requests"] = trial.requests;
  json["requests_unanswered"] = trial.requests_unanswered;
  json["latency_us"] = to_json(trial.latency_us);
  json["latency_uncorrected_us"] = to_json(trial.latency_uncorrected_us);
  json["server_cpu_us_per_request"] = trial.server_cpu_us_per_request;
  json["server_cpu_busy_share"] = trial.server_cpu_busy_share;
  json["client_cpu_us_per_request"] = trial.client_cpu_us_per_request;
  json["client_cpu_busy_share"] = trial.client_cpu_busy_share;
  if (!trial.counters.empty()) json["counters"] = trial.counters;
  return json;
}

Trial trial_from(const Json& json) {
  Trial trial;
  trial.server = json.at("server");
  trial.idle_connections = json.at("idle_connections");
  trial.active_connections = json.at("active_connections");
  for (const TrialOutcome outcome : all_outcomes) {
    if (to_string(outcome) == json.at("outcome").get<std::string>()) trial.outcome = outcome;
  }
  trial.saturated = json.at("saturated");
  trial.note = json.at("note");
  trial.open_ms = json.at("open_ms");
  trial.connections_lost = json.at("connections_lost");
  if (!json.contains("requests")) return trial;
  trial.offered_rps = json.at("offered_rps");
  trial.achieved_rps = json.at("achieved_rps");
  trial.requests = json.at("requests");
  trial.requests_unanswered = json.at("requests_unanswered");
  trial.latency_us = latency_from(json.at("latency_us"));
  trial.latency_uncorrected_us = latency_from(json.at("latency_uncorrected_us"));
  trial.server_cpu_us_per_request = json.at("server_cpu_us_per_request");
  trial.server_cpu_busy_share = json.at("server_cpu_busy_share");
  trial.client_cpu_us_per_request = json.at("client_cpu_us_per_request");
  trial.client_cpu_busy_share = json.at("client_cpu_busy_share");
  if (json.contains("counters")) json.at("counters").get_to(trial.counters);
  return trial;
}

Json to_json(const RunContext& context) {
  return {{"started", context.started},
          {"command", context.command},
          {"program_version", context.program_version},
          {"machine",
           {{"kernel", context.kernel},
            {"cpu_model", context.cpu_model},
            {"cpus", context.cpus},
            {"virtual_machine", context.virtual_machine},
            {"descriptor_limit", context.descriptor_limit},
            {"cpu_plan", context.cpu_plan}}},
          {"load",
           {{"requests_per_second", context.requests_per_second},
            {"active_connections", context.active_connections},
            {"message_bytes", context.message_bytes},
            {"warmup_seconds", context.warmup_seconds},
            {"duration_seconds", context.duration_seconds}}}};
}

RunContext context_from(const Json& json) {
  const Json& machine = json.at("machine");
  const Json& load = json.at("load");
  return {.started = json.at("started"),
          .command = json.at("command"),
          .program_version = json.at("program_version"),
          .kernel = machine.at("kernel"),
          .cpu_model = machine.at("cpu_model"),
          .cpus = machine.at("cpus"),
          .virtual_machine = machine.at("virtual_machine"),
          .descriptor_limit = machine.at("descriptor_limit"),
          .cpu_plan = machine.at("cpu_plan"),
          .requests_per_second = load.at("requests_per_second"),
          .active_connections = load.at("active_connections"),
          .message_bytes = load.at("message_bytes"),
          .warmup_seconds = load.at("warmup_seconds"),
          .duration_seconds = load.at("duration_seconds")};
}

// The first value of `key` in /proc/cpuinfo; empty when there is none.
std::string cpuinfo(std::string_view key) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with(key) && colon != std::string::npos) return line.substr(colon + 2);
  }
  return {};
}

}  // namespace

RunContext describe_run(const SweepOptions& options, std::vector<std::string> command,
                        std::string program_version) {
  utsname system{};
  ::uname(&system);
  rlimit descriptors{};
  ::getrlimit(RLIMIT_NOFILE, &descriptors);
  const std::string cpu_model = cpuinfo("model name");
  return {
      .started = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))),
      .command = std::move(command),
      .program_version = std::move(program_version),
      .kernel = fmt::format("{} {}", system.sysname, system.release),
      .cpu_model = cpu_model.empty() ? std::string(system.machine) : cpu_model,
      .cpus = usable_cpus().size(),
      .virtual_machine = (" " + cpuinfo("flags") + " ").find(" hypervisor ") != std::string::npos,
      .descriptor_limit = descriptors.rlim_max,
      .cpu_plan = plan_cpus(options.pin).explanation,
      .requests_per_second = options.requests_per_second,
      .active_connections = options.active_connections,
      .message_bytes = options.message_bytes,
      .warmup_seconds = std::chrono::duration<double>(options.warmup).count(),
      .duration_seconds = std::chrono::duration<double>(options.duration).count()};
}

void write_results(const std::filesystem::path& path, const Results& results) {
  Json json{{"schema_version", schema_version}};
  json.update(to_json(results.context));
  json["trials"] = Json::array();
  for (const Trial& trial : results.trials) json["trials"].push_back(to_json(trial));

  const std::filesystem::path temporary = path.string() + ".part";
  try {
    if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path());
    std::ofstream file;
    file.exceptions(std::ios::badbit | std::ios::failbit);
    file.open(temporary);
    file << json.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
    file.close();
    std::filesystem::rename(temporary, path);
  } catch (const std::exception& error) {
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    throw std::runtime_error(
        fmt::format("cannot write the results to {}: {}; choose another place with -o FILE",
                    path.string(), error.what()));
  }
}

Results read_results(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error(fmt::format("cannot read {}", path.string()));
  try {
    const Json json = Json::parse(file);
    if (json.at("schema_version") != schema_version) {
      throw std::runtime_error(fmt::format("its schema_version is {}, this program reads {}",
                                           json.at("schema_version").dump(), schema_version));
    }
    Results results{.context = context_from(json), .trials = {}};
    for (const Json& trial : json.at("trials")) results.trials.push_back(trial_from(trial));
    return results;
  } catch (const std::exception& error) {
    throw std::runtime_error(
        fmt::format("{} is not a results file of echomux: {}", path.string(), error.what()));
  }
}

}  // namespace echomux
