#include "report/hosts.hpp"

#include <fmt/core.h>

#include "harness/stats/statistics.hpp"
#include "harness/text/number_text.hpp"

namespace echomux {
namespace {

std::vector<std::string> row(const std::string& name, std::size_t parts, const LoadReport& load) {
  return {name,
          std::to_string(parts),
          std::to_string(load.active_confirmed),
          std::to_string(load.idle_held),
          whole_number(load.achieved_rps),
          figure_in_words(load.latency_us.p50),
          figure_in_words(load.latency_us.p99),
          figure_in_words(load.latency_us.max),
          figure_in_words(load.schedule_lag_us_p99),
          figure_in_words(load.client_cpu_us_per_request),
          percent(load.client_busy_share)};
}

// What one gets who has no histograms to add: not the percentile of all requests.
std::vector<std::string> medians(const std::vector<HostLoad>& hosts) {
  const auto median_of = [&](double LoadReport::Latency::*percentile) {
    std::vector<double> values;
    values.reserve(hosts.size());
    for (const HostLoad& host : hosts) values.push_back(host.load.latency_us.*percentile);
    return figure_in_words(median(values));
  };
  return {"median of hosts",
          "",
          "",
          "",
          "",
          median_of(&LoadReport::Latency::p50),
          median_of(&LoadReport::Latency::p99),
          median_of(&LoadReport::Latency::max),
          "",
          "",
          ""};
}

}  // namespace

std::string hosts_of(const Trial& trial, TableFormat format) {
  if (trial.parts.empty() || !trial.load) return "";
  const std::vector<HostLoad> hosts = by_host(trial.parts);
  Table table(Table::columns(Table::left("client host"),
                             {"parts", "active", "idle", "req/s", "p50 µs", "p99 µs", "max µs",
                              "behind p99 µs", "client µs/req", "busy"}));
  for (const HostLoad& host : hosts) table.add(row(host.host, host.parts, host.load));
  if (hosts.size() > 1) {
    table.add(row("all, merged", trial.parts.size(), *trial.load));
    table.add(medians(hosts));
  }
  std::string out = table.print(format);
  if (hosts.size() < 2) return out;
  if (const auto owner = tail_owner(trial.parts)) {
    out += fmt::format(
        "{} owns the tail: {} of the slowest 1 % of requests are its own, and {} of all.\n",
        owner->host, percent(owner->tail_share), percent(owner->request_share));
  } else {
    out += "No host owns the tail: the slowest 1 % of requests are spread over the hosts.\n";
  }
  out += fmt::format("The parts' windows began within {} ms of each other.\n",
                     four_digits(trial.load->window_skew_ms));
  return out;
}

}  // namespace echomux
