#include "harness/results/merged_results.hpp"

#include <fmt/core.h>

#include <filesystem>
#include <fstream>

#include "harness/results/results_file.hpp"
#include "harness/text/field_json.hpp"

namespace echomux {

ClientFile read_client_file(const std::string& file) {
  constexpr std::uintmax_t largest_bytes = std::uintmax_t{16} * 1024 * 1024;
  std::ifstream stream(file);
  if (!stream) throw std::runtime_error(fmt::format("cannot read {}", file));
  try {
    std::error_code no_file;
    if (std::filesystem::file_size(file, no_file) > largest_bytes && !no_file) {
      throw std::runtime_error("it is too large");
    }
    const Json json = Json::parse(stream);
    ClientFile client{.file = file, .server = {}, .program = {}, .load = {}, .part = {}};
    const Json& load = json.at("load");
    load.at("server").get_to(client.server);
    json.at("program").get_to(client.program);
    read_json(load, client.load);
    json.at("host").get_to(client.part.host);
    client.part.part = client.load.part;
    read_json(json, client.part.load);
    client.part.load.outcome.end(client.part.load.outcome.reason);
    return client;
  } catch (const std::exception& error) {
    throw std::runtime_error(fmt::format(
        "{} is not what 'echomux swarm --format json -o FILE' writes: {}", file, error.what()));
  }
}

Results results_of_parts(const std::string& server, const Load& load, LoadReport whole,
                         std::vector<LoadPart> parts, std::vector<std::string> command) {
  SweepPlan plan;
  plan.servers = {{.name = server, .backend = {}, .options = {}, .command = {}}};
  plan.idle_connections = {whole.idle_requested};
  plan.rates = {load.requests_per_second};
  plan.load = load;
  plan.load.active_connections = whole.active;
  plan.seed = load.seed;
  plan.pin = plan.keep_awake = false;

  Trial trial;
  trial.cell = {server, plan.idle_connections.front(), plan.rates.front()};
  trial.active_connections = whole.active;
  trial.outcome = whole.outcome;
  trial.judgement = judge(whole, parts, load.duration);
  trial.load = std::move(whole);
  trial.parts = std::move(parts);

  Results results;
  results.context = describe_run(plan, std::move(command));
  results.context.cpu_plan =
      "the server was there before, and each client ran where its system "
      "placed it";
  results.trials.push_back(std::move(trial));
  return results;
}

}  // namespace echomux
