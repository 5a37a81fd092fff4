#include "harness/bench/measurement.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <stdexcept>

#include "harness/machine/taken_time.hpp"

namespace echomux {
namespace {

// Connections over which memory is divided: with fewer, a page more or less would decide.
constexpr std::size_t enough_connections = 1000;

// The server's clocks and counters at one moment.
struct ServerReading {
  ProcessReading processes;
  std::map<std::string, std::uint64_t> counters;
  std::vector<CpuShares> shares;
};

// Its memory, and the kernel's, at one moment.
struct MemoryReading {
  std::uint64_t resident = 0;
  std::uint64_t kernel = 0;
  std::uint64_t threads = 0;
  std::uint64_t processes = 0;
};

// Reads what there is to know of a server, before the load and at the edges of its window.
class ServerMeter {
 public:
  explicit ServerMeter(ServerProcess& server) : server_(server), empty_(read_memory()) {}

  void connections_open() {
    open_ = read_memory();
    if (open_.threads > most_threads_read) detail_ = Detail::cpu_only;
  }
  void window_begin() {
    begin_.counters = read_counters();
    read_clocks(begin_);
  }
  void window_end() {
    read_clocks(end_);
    end_.counters = read_counters();
  }

  [[nodiscard]] ServerCost cost(const Load& load, const SwarmResult& result) const {
    ServerCost cost;
    cost.requests = std::max<std::uint64_t>(result.measured_requests, 1);
    cost.steal_share = steal_share(begin_.shares, end_.shares);
    cost.threads = open_.threads;
    cost.processes = open_.processes;
    cost.cpus = end_.processes.cpus;
    for (const auto& [name, value] : end_.counters) {
      const auto before = begin_.counters.find(name);
      if (before != begin_.counters.end()) cost.counters[name] = value - before->second;
    }
    if (cost.counters.empty()) cost.unavailable["counters"] = "the server doesn't report any";
    divide_by_requests(begin_.processes, end_.processes, detail_, result.measured_time, cost);
    divide_memory(cost, load.connections());
    return cost;
  }

 private:
  [[nodiscard]] MemoryReading read_memory() const {
    const auto processes = read_process_tree(server_.pid(), Detail::cpu_only);
    if (!processes) return {};
    return {.resident = processes->resident_bytes,
            .kernel = kernel_memory_bytes(),
            .threads = processes->threads,
            .processes = processes->processes};
  }

  [[nodiscard]] std::map<std::string, std::uint64_t> read_counters() const {
    return server_.counters().value_or(std::map<std::string, std::uint64_t>{});
  }

  void read_clocks(ServerReading& reading) const {
    // A server that has died keeps its last figures: its trial is judged by its end.
    reading.processes = read_process_tree(server_.pid(), detail_).value_or(begin_.processes);
    reading.shares = read_steal(reading.processes.cpus);
  }

  void divide_memory(ServerCost& cost, std::size_t connections) const {
    if (connections < enough_connections) {
      cost.unavailable["resident_bytes_per_connection"] =
          cost.unavailable["kernel_bytes_per_connection"] = fmt::format(
              "fewer than {} connections are too few to divide memory by", enough_connections);
      return;
    }
    const auto difference = [&](std::uint64_t before, std::uint64_t after) {
      return (static_cast<double>(after) - static_cast<double>(before)) /
             static_cast<double>(connections);
    };
    cost.resident_bytes_per_connection = difference(empty_.resident, open_.resident);
    if (open_.kernel >= empty_.kernel) {
      cost.kernel_bytes_per_connection = difference(empty_.kernel, open_.kernel);
    } else {
      cost.unavailable["kernel_bytes_per_connection"] =
          "the kernel gave back memory of something else meanwhile";
    }
  }

  ServerProcess& server_;
  Detail detail_ = Detail::everything;
  MemoryReading empty_;
  MemoryReading open_;
  ServerReading begin_;
  ServerReading end_;
};

}  // namespace

const ServerCost& Measurement::complete_cost() const {
  if (result.outcome.reason == RunEnd::completed && cost) return *cost;
  throw std::runtime_error(fmt::format(
      "the load was not completed ({}): {} connections were confirmed",
      result.outcome.sentence.empty() ? to_string(result.outcome.reason) : result.outcome.sentence,
      result.idle_confirmed + result.active_confirmed));
}

Measurement measure(ServerProcess& server, const Load& load, const std::stop_token& stop) {
  ServerMeter meter(server);
  Measurement measurement;
  measurement.result = run_swarm({.server = server.endpoint(),
                                  .load = load,
                                  .on_connections_open = [&] { meter.connections_open(); },
                                  .on_window_begin = [&] { meter.window_begin(); },
                                  .on_window_end = [&] { meter.window_end(); }},
                                 stop);
  if (measurement.result.measured_requests > 0) {
    measurement.cost = meter.cost(load, measurement.result);
  }
  return measurement;
}

Measurement measure(const ServerCommand& command, const Load& load) {
  ServerProcess server(command);
  return measure(server, load);
}

}  // namespace echomux
