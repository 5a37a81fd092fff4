#include "harness/bench/workers.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "harness/machine/proc_file.hpp"
#include "harness/machine/taken_time.hpp"
#include "harness/text/time_units.hpp"

namespace echomux {
namespace {

std::optional<std::uint64_t> switches_of(pid_t thread) {
  const auto status = proc::read_file(fmt::format("/proc/{}/status", thread));
  if (!status) return std::nullopt;
  std::uint64_t sum = 0;
  for (const char* const kind : {"voluntary_ctxt_switches", "nonvoluntary_ctxt_switches"}) {
    const auto value = proc::field(*status, kind);
    if (!value) return std::nullopt;
    sum += proc::number(*value);
  }
  return sum;
}

template <typename T>
std::optional<T> plus(const std::optional<T>& one, const std::optional<T>& other) {
  return one && other ? std::optional<T>(*one + *other) : std::nullopt;
}

}  // namespace

std::vector<WorkerReading> read_workers(
    const std::map<std::string, std::vector<std::uint64_t>>& counters_by_worker) {
  const auto threads = counters_by_worker.find("thread_id");
  if (threads == counters_by_worker.end()) return {};
  std::vector<WorkerReading> workers(threads->second.size());
  const auto take = [&](const char* name, std::uint64_t WorkerReading::*to) {
    const auto found = counters_by_worker.find(name);
    if (found == counters_by_worker.end()) return;
    for (std::size_t i = 0; i < std::min(workers.size(), found->second.size()); ++i) {
      workers[i].*to = found->second[i];
    }
  };
  take("accepted", &WorkerReading::accepted);
  take("turned_away", &WorkerReading::turned_away);
  take("closed", &WorkerReading::closed);
  take("bytes_received", &WorkerReading::bytes_received);
  for (std::size_t i = 0; i < workers.size(); ++i) {
    const auto thread = static_cast<pid_t>(threads->second[i]);
    workers[i].cpu = thread_cpu_time_of(thread);
    workers[i].switches = switches_of(thread);
    workers[i].when = std::chrono::steady_clock::now().time_since_epoch();
  }
  return workers;
}

void WorkerSum::add(const std::vector<WorkerReading>& reading) {
  if (workers.empty() && whole) {
    workers = reading;
    whole = !reading.empty();
    return;
  }
  whole = whole && reading.size() == workers.size();
  if (!whole) return;
  for (std::size_t i = 0; i < workers.size(); ++i) {
    workers[i].accepted = reading[i].accepted;
    workers[i].turned_away = reading[i].turned_away;
    workers[i].closed = reading[i].closed;
    workers[i].bytes_received += reading[i].bytes_received;
    workers[i].cpu = plus(workers[i].cpu, reading[i].cpu);
    workers[i].switches = plus(workers[i].switches, reading[i].switches);
    workers[i].when += reading[i].when;
  }
}

void divide_by_workers(const WorkerSum& begin_sum, const WorkerSum& end_sum, ServerCost& cost) {
  const std::vector<WorkerReading>& begin = begin_sum.workers;
  const std::vector<WorkerReading>& end = end_sum.workers;
  if (!begin_sum.whole || !end_sum.whole || begin.size() != end.size()) return;
  const auto bytes_of = [&](std::size_t i) {
    return static_cast<double>(end[i].bytes_received - begin[i].bytes_received);
  };
  double bytes = 0;
  double most = 0;
  for (std::size_t i = 0; i < end.size(); ++i) {
    bytes += bytes_of(i);
    most = std::max(most, bytes_of(i));
  }
  if (bytes <= 0) return;
  cost.worker_imbalance = most / (bytes / static_cast<double>(end.size()));
  // Where another thread accepts for all, they have connections in common.
  const bool accept_themselves =
      std::ranges::any_of(end, [](const WorkerReading& one) { return one.accepted > 0; });
  for (std::size_t i = 0; i < end.size(); ++i) {
    WorkerCost& worker = cost.workers.emplace_back();
    if (accept_themselves) {
      worker.connections = end[i].accepted - end[i].turned_away - end[i].closed;
    }
    worker.requests_share = bytes_of(i) / bytes;
    const double requests = worker.requests_share * static_cast<double>(cost.requests);
    if (begin[i].cpu && end[i].cpu) {
      const auto cpu = *end[i].cpu - *begin[i].cpu;
      worker.busy_share = to_seconds(cpu) / to_seconds(end[i].when - begin[i].when);
      if (requests > 0) worker.cpu_us_per_request = to_us(cpu) / requests;
    }
    if (requests <= 0) continue;
    if (begin[i].switches && end[i].switches) {
      worker.switches_per_request =
          static_cast<double>(*end[i].switches - *begin[i].switches) / requests;
    }
  }
}

}  // namespace echomux
