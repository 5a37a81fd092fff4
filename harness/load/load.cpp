#include "harness/load/load.hpp"

#include <fmt/core.h>

#include <stdexcept>

#include "harness/text/field_json.hpp"
#include "harness/text/time_units.hpp"
#include "harness/text/words.hpp"

namespace echomux {
namespace {

constexpr double longest_seconds = 1e6;

// Calls field(name, member) with each field and its name in JSON.
void for_each_field(auto& load, const auto& field) {
  field("idle", load.idle_connections);
  field("connections", load.active_connections);
  field("rate", load.requests_per_second);
  field("arrivals", load.arrivals);
  field("size", load.message_bytes);
  field("pipeline", load.pipeline);
  field("reconnect", load.reconnect);
  field("confirm_idle", load.confirm_idle);
  field("threads", load.threads);
  field("connect_rate", load.connections_per_second);
  field("source_ips", load.sources);
  field("duration_seconds", load.duration);
  field("warmup_seconds", load.warmup);
  field("timeout_seconds", load.timeout);
  field("seed", load.seed);
}

Json written(const auto& value) {
  return json_of(value);
}
Json written(std::chrono::nanoseconds time) {
  return to_seconds(time);
}
Json written(const std::vector<Endpoint>& sources) {
  Json list = Json::array();
  for (const Endpoint& source : sources) list.push_back(source.to_string());
  return list;
}

void read(const Json& json, auto& value) {
  json.get_to(value);
}
void read(const Json& json, std::chrono::nanoseconds& time) {
  const auto seconds = json.get<double>();
  if (!(seconds >= 0 && seconds <= longest_seconds)) {
    throw std::runtime_error(fmt::format("{} s is no time that is measured for", seconds));
  }
  time = std::chrono::round<std::chrono::nanoseconds>(std::chrono::duration<double>(seconds));
}
void read(const Json& json, Arrivals& arrivals) {
  arrivals = arrivals_from(json.get<std::string>());
}
void read(const Json& json, std::vector<Endpoint>& sources) {
  for (const Json& source : json) {
    std::string address = source.get<std::string>();
    address = address.substr(0, address.rfind(':'));  // without the port, which is 0
    std::erase_if(address, [](char c) { return c == '[' || c == ']'; });
    sources.push_back(resolve(address, 0));
  }
}

}  // namespace

std::string_view to_string(Arrivals arrivals) noexcept {
  return word_of(arrivals, {"uniform", "poisson"});
}

Arrivals arrivals_from(std::string_view text) {
  return enumerator<Arrivals>(std::string(text), "arrivals");
}

Json to_json(const Load& load) {
  Json json = Json::object();
  for_each_field(load, [&](const char* name, const auto& value) { json[name] = written(value); });
  return json;
}

Load load_from(const Json& json) {
  Load load;
  for_each_field(load, [&](const char* name, auto& value) {
    if (const Json* const found = json.find(name)) read(*found, value);
  });
  return load;
}

}  // namespace echomux
