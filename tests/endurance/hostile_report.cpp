#include <fmt/core.h>

#include <algorithm>
#include <functional>

#include "harness/load/load_report.hpp"
#include "harness/stats/statistics.hpp"
#include "harness/text/json.hpp"
#include "harness/text/number_text.hpp"
#include "tests/endurance/hostile_trial.hpp"

namespace echomux {
namespace {

using Trials = std::vector<const HostileTrial*>;

// All names that occur, in the order in which they do.
std::vector<std::string> names_in(const std::vector<HostileTrial>& trials,
                                  std::string HostileTrial::*name) {
  std::vector<std::string> names;
  for (const HostileTrial& trial : trials) {
    if (std::ranges::find(names, trial.*name) == names.end()) names.push_back(trial.*name);
  }
  return names;
}

// "54.0 [50.4, 63.3]" of all rounds that have the figure.
std::string latency(const Trials& trials, GoodPeer HostileTrial::*when,
                    double GoodPeer::*percentile) {
  std::vector<double> values;
  for (const HostileTrial* trial : trials) {
    const GoodPeer& peer = trial->*when;
    if (peer.requests > 0 && peer.served()) values.push_back(peer.*percentile);
  }
  return values.empty() ? "-" : figure_in_words(median_interval(values));
}

std::vector<double> values_of(const Trials& trials,
                              const std::function<double(const HostileTrial&)>& of) {
  std::vector<double> values;
  for (const HostileTrial* trial : trials) values.push_back(of(*trial));
  return values;
}

// The median of all rounds that have it.
std::string busy_percent(const Trials& trials) {
  std::vector<double> values;
  for (const HostileTrial* trial : trials) {
    if (trial->busy_share) values.push_back(100 * *trial->busy_share);
  }
  return values.empty() ? "-" : figure_in_words(median(values));
}

std::string outcome(const Trials& trials) {
  // Those of which there is something to say.
  const auto with = [&](std::string HostileTrial::*what) {
    Trials found = trials;
    std::erase_if(found, [&](const HostileTrial* trial) { return (trial->*what).empty(); });
    return found;
  };
  const Trials failed = with(&HostileTrial::failure);
  if (!failed.empty()) return fmt::format("FAILED in {} of {}", failed.size(), trials.size());
  const Trials limited = with(&HostileTrial::limit);
  if (limited.empty()) return "all bytes back";
  const std::string& limit = limited.front()->limit;
  return limited.size() == trials.size()
             ? limit
             : fmt::format("{} in {} of {}", limit, limited.size(), trials.size());
}

std::vector<std::string> row_of(const Trials& trials) {
  constexpr double mebibyte = 1024.0 * 1024;
  return {
      trials.front()->kind,
      figure_in_words(median(values_of(
          trials, [](const auto& trial) { return static_cast<double>(trial.hostile.started); }))),
      latency(trials, &HostileTrial::before, &GoodPeer::p50_us),
      latency(trials, &HostileTrial::beside, &GoodPeer::p50_us),
      latency(trials, &HostileTrial::after, &GoodPeer::p50_us),
      latency(trials, &HostileTrial::before, &GoodPeer::p99_us),
      latency(trials, &HostileTrial::beside, &GoodPeer::p99_us),
      latency(trials, &HostileTrial::after, &GoodPeer::p99_us),
      latency(trials, &HostileTrial::beside, &GoodPeer::connect_ms),
      busy_percent(trials),
      fmt::format("{} / {:.0f}",
                  figure_in_words(std::ranges::max(values_of(trials,
                                                             [](const auto& trial) {
                                                               return static_cast<double>(
                                                                          trial.memory_growth) /
                                                                      mebibyte;
                                                             }))),
                  static_cast<double>(trials.front()->memory_bound) / mebibyte),
      outcome(trials)};
}

Json to_json(const GoodPeer& peer) {
  return {{"end", to_string(peer.outcome.reason)},
          {"detail", peer.outcome.sentence},
          {"connect_ms", peer.connect_ms},
          {"requests", peer.requests},
          {"unanswered", peer.unanswered},
          {"p50_us", peer.p50_us},
          {"p99_us", peer.p99_us}};
}

}  // namespace

std::string hostile_tables(const std::vector<HostileTrial>& trials, TableFormat format) {
  std::string text;
  for (const std::string& server : names_in(trials, &HostileTrial::server)) {
    Table table(
        Table::columns(Table::left("hostile peers"),
                       {"number", "p50 before", "beside", "after", "p99 before", "beside", "after",
                        "connect ms", "CPU %", "MiB / bound", "well-behaved peer"}));
    for (const std::string& kind : names_in(trials, &HostileTrial::kind)) {
      Trials same;
      for (const HostileTrial& trial : trials) {
        if (trial.server == server && trial.kind == kind) same.push_back(&trial);
      }
      if (!same.empty()) table.add(row_of(same));
    }
    text += fmt::format("**{}**\n\n{}\n", server, table.print(format));
  }
  for (const HostileTrial& trial : trials) {
    if (trial.failure.empty()) continue;
    text += fmt::format("- {}, {}, round {}: {}\n", trial.server, trial.kind, trial.round,
                        trial.failure);
  }
  return text;
}

Json to_json(const HostileTrial& trial) {
  return {{"server", trial.server},
          {"kind", trial.kind},
          {"round", trial.round},
          {"failure", trial.failure},
          {"limit", trial.limit},
          {"before", to_json(trial.before)},
          {"beside", to_json(trial.beside)},
          {"after", to_json(trial.after)},
          {"seconds_beside", trial.seconds},
          {"busy_share", trial.busy_share},
          {"connected", trial.connected},
          {"hostile", to_json(trial.hostile)},
          {"memory_growth_bytes", trial.memory_growth},
          {"memory_bound_bytes", trial.memory_bound}};
}

}  // namespace echomux
