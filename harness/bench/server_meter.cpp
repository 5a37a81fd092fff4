#include "harness/bench/server_meter.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace echomux {
namespace {

// Connections over which memory is divided: with fewer, a page more or less would decide.
constexpr std::size_t enough_connections = 1000;

}  // namespace

void ServerMeter::Reading::add(const Reading& other) {
  processes.add(other.processes);
  for (const auto& [name, value] : other.counters) counters[name] += value;
  workers.add(other.workers.workers);
  add_shares(shares, other.shares);
}

void ServerMeter::connections_open() {
  open_ = read_memory();
  if (open_.threads > most_threads_read) detail_ = Detail::cpu_only;
}

void ServerMeter::window_begin() {
  begin_ = {};
  read_counters(begin_);
  read_clocks(begin_);
}

void ServerMeter::window_end() {
  end_ = {};
  read_clocks(end_);
  read_counters(end_);
  begin_sum_.add(begin_);
  end_sum_.add(end_);
}

ServerCost ServerMeter::cost(const Load& load, const SwarmResult& result) const {
  ServerCost cost;
  cost.requests = std::max<std::uint64_t>(result.measured_requests, 1);
  cost.steal_share = steal_share(begin_sum_.shares, end_sum_.shares);
  cost.threads = open_.threads;
  cost.processes = open_.processes;
  cost.cpus = end_sum_.processes.cpus;
  for (const auto& [name, value] : end_sum_.counters) {
    const auto before = begin_sum_.counters.find(name);
    if (before != begin_sum_.counters.end()) cost.counters[name] = value - before->second;
  }
  if (cost.counters.empty()) cost.unavailable["counters"] = "the server doesn't report any";
  divide_by_workers(begin_sum_.workers, end_sum_.workers, cost);
  if (server_.has_workers_untold()) {
    cost.unavailable["worker_imbalance"] =
        "the server has more workers than it tells of in one line";
  }
  divide_by_requests(begin_sum_.processes, end_sum_.processes, detail_, result.measured_time, cost);
  divide_memory(cost, load.connections());
  return cost;
}

ServerMeter::Memory ServerMeter::read_memory() const {
  const auto processes = server_.read_processes(Detail::cpu_only);
  if (!processes) return {};
  return {.resident = processes->resident_bytes,
          .kernel = kernel_memory_bytes(),
          .threads = processes->threads,
          .processes = processes->processes};
}

void ServerMeter::read_counters(Reading& reading) const {
  reading.counters = server_.counters().value_or(std::map<std::string, std::uint64_t>{});
  reading.workers.workers = read_workers(server_.counters_by_worker());
}

void ServerMeter::read_clocks(Reading& reading) const {
  // A server that has died keeps its last figures: its trial is judged by its end.
  reading.processes = server_.read_processes(detail_).value_or(begin_.processes);
  reading.shares = read_steal(reading.processes.cpus);
}

void ServerMeter::divide_memory(ServerCost& cost, std::size_t connections) const {
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
  if (!open_.kernel || !empty_.kernel) {
    cost.unavailable["kernel_bytes_per_connection"] =
        "/proc/meminfo doesn't tell Slab, KernelStack and PageTables here";
  } else if (*open_.kernel >= *empty_.kernel) {
    cost.kernel_bytes_per_connection = difference(*empty_.kernel, *open_.kernel);
  } else {
    cost.unavailable["kernel_bytes_per_connection"] =
        "the kernel gave back memory of something else meanwhile";
  }
}

}  // namespace echomux
