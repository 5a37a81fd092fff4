#include "harness/load/merged_load.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "harness/load/hdr_format.hpp"
#include "harness/text/number_text.hpp"
#include "harness/text/time_units.hpp"

namespace echomux {
namespace {

// Windows that differ by more than this part of their length aren't the same window.
constexpr double skew_limit = 0.01;
// The tail is that of a host which has this part of its requests, and this many times as many of
// them as of all requests.
constexpr double most_of_tail = 0.5;
constexpr double beyond_its_share = 1.5;

// The sum of the parts' histograms, and what these don't tell exactly: the largest value, and the
// mean.
struct Latencies {
  LatencyHistogram histogram;
  double max_us = 0;
  double sum_us = 0;

  void add(const LatencyHistogram& other, const LoadReport::Latency& latency) {
    histogram.add(other);
    max_us = std::max(max_us, latency.max);
    sum_us += latency.mean * static_cast<double>(other.count());
  }

  [[nodiscard]] LoadReport::Latency summary() const {
    LoadReport::Latency latency = percentiles_of(histogram);
    // Neither is beyond what was measured because a bucket is wide.
    for (double* const value :
         {&latency.p50, &latency.p90, &latency.p99, &latency.p99_9, &latency.p99_99}) {
      *value = std::min(*value, max_us);
    }
    latency.max = max_us;
    latency.mean = histogram.count() > 0 ? sum_us / static_cast<double>(histogram.count()) : 0;
    return latency;
  }
};

// What ended a part on its own account, before what that did to others.
bool says_more(const RunOutcome& outcome, const RunOutcome& so_far) {
  return outcome.reason != RunEnd::completed &&
         (so_far.reason == RunEnd::completed || so_far.reason == RunEnd::interrupted);
}

void add_counts(const LoadReport& part, LoadReport& whole) {
  whole.requests += part.requests;
  if (part.offered_rps) whole.offered_rps = whole.offered_rps.value_or(0) + *part.offered_rps;
  whole.due_rps += part.due_rps;
  whole.achieved_rps += part.achieved_rps;
  whole.unanswered += part.unanswered;
  whole.timed_out += part.timed_out;
  whole.active += part.active;
  whole.active_confirmed += part.active_confirmed;
  whole.idle_requested += part.idle_requested;
  whole.idle_confirmed += part.idle_confirmed;
  whole.idle_held += part.idle_held;
  whole.lost += part.lost;
  whole.partly_answered += part.partly_answered;
  if (whole.altered.empty()) whole.altered = part.altered;
  whole.probe_unanswered = whole.probe_unanswered || part.probe_unanswered;
}

void take_the_worst(const LoadReport& part, LoadReport& whole) {
  const auto worse = [&](double LoadReport::*member) {
    whole.*member = std::max(whole.*member, part.*member);
  };
  for (double LoadReport::*const member :
       {&LoadReport::open_ms, &LoadReport::started_late_ms, &LoadReport::client_busy_share,
        &LoadReport::schedule_lag_us_p99, &LoadReport::schedule_lag_us_max,
        &LoadReport::steal_share, &LoadReport::run_queue_share, &LoadReport::stood_still_ms,
        &LoadReport::throttled_share, &LoadReport::gap_share, &LoadReport::longest_gap_us,
        &LoadReport::taken_ms}) {
    worse(member);
  }
  whole.windows = std::max(whole.windows, part.windows);
  const double began = part.window_began_unix_s;
  if (began > 0 && (whole.window_began_unix_s == 0 || began < whole.window_began_unix_s)) {
    whole.window_began_unix_s = began;
  }
  if (part.drift_p < whole.drift_p) {
    whole.drift_p = part.drift_p;
    whole.drift_relative_change = part.drift_relative_change;
  }
}

double skew_ms(const std::vector<LoadPart>& parts) {
  double first = 0;
  double last = 0;
  for (const LoadPart& part : parts) {
    const double began = part.load.window_began_unix_s;
    if (began <= 0) continue;
    first = first == 0 ? began : std::min(first, began);
    last = std::max(last, began);
  }
  return 1000 * (last - first);
}

}  // namespace

LoadReport merged(const std::vector<LoadPart>& parts) {
  LoadReport whole;
  Latencies latency;
  Latencies uncorrected;
  double client_us = 0;
  for (const LoadPart& part : parts) {
    const LoadReport& load = part.load;
    add_counts(load, whole);
    take_the_worst(load, whole);
    client_us += load.client_cpu_us_per_request * static_cast<double>(load.requests);
    if (says_more(load.outcome, whole.outcome)) whole.outcome = load.outcome;
    if (!part.measures) continue;
    latency.add(from_hdr_v2(load.histogram_v2), load.latency_us);
    uncorrected.add(from_hdr_v2(load.histogram_uncorrected_v2), load.latency_uncorrected_us);
  }
  whole.client_cpu_us_per_request =
      whole.requests > 0 ? client_us / static_cast<double>(whole.requests) : 0;
  whole.latency_us = latency.summary();
  whole.latency_uncorrected_us = uncorrected.summary();
  whole.window_skew_ms = skew_ms(parts);
  whole.histogram_v2 = to_hdr_v2(latency.histogram);
  whole.histogram_uncorrected_v2 = to_hdr_v2(uncorrected.histogram);
  return whole;
}

std::vector<HostLoad> by_host(const std::vector<LoadPart>& parts) {
  std::vector<std::string> order;
  std::map<std::string, std::vector<LoadPart>> groups;
  for (const LoadPart& part : parts) {
    if (!groups.contains(part.host)) order.push_back(part.host);
    groups[part.host].push_back(part);
  }
  std::vector<HostLoad> hosts;
  for (const std::string& host : order) {
    hosts.push_back({host, groups.at(host).size(), merged(groups.at(host))});
  }
  return hosts;
}

std::optional<TailOwner> tail_owner(const std::vector<LoadPart>& parts) {
  std::map<std::string, LatencyHistogram> hosts;
  LatencyHistogram all;
  for (const LoadPart& part : parts) {
    if (!part.measures) continue;
    const LatencyHistogram own = from_hdr_v2(part.load.histogram_v2);
    hosts[part.host].add(own);
    all.add(own);
  }
  if (hosts.size() < 2 || all.count() == 0) return std::nullopt;
  const auto beyond = [bound = all.percentile(99)](const LatencyHistogram& histogram) {
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < histogram.counts().size(); ++i) {
      if (LatencyHistogram::bucket(i).highest_ns >= bound.count()) count += histogram.counts()[i];
    }
    return static_cast<double>(count);
  };
  const double tail = beyond(all);
  for (const auto& [host, histogram] : hosts) {
    const double tail_share = tail > 0 ? beyond(histogram) / tail : 0;
    const double request_share =
        static_cast<double>(histogram.count()) / static_cast<double>(all.count());
    if (tail_share > most_of_tail && tail_share > beyond_its_share * request_share) {
      return TailOwner{host, tail_share, request_share};
    }
  }
  return std::nullopt;
}

Judgement judge(const LoadReport& whole, const std::vector<LoadPart>& parts,
                std::chrono::duration<double> window) {
  Judgement judgement;
  std::set<std::string> said;
  for (const LoadPart& part : parts) {
    for (const Reason& reason : judge(part.load).reasons) {
      // What the whole is judged by has more requests in it, and shows less of chance.
      const bool of_the_whole = reason.code == "achieved_below_offered" || reason.code == "drift" ||
                                reason.code == "no_requests";
      const bool of_latency =
          reason.code == "schedule_lag" || reason.code == "tail_not_the_servers";
      if (of_the_whole || (of_latency && !part.measures)) continue;
      if (!said.insert(reason.code).second) continue;
      judgement.add(reason.verdict, reason.code, part.host + ": " + reason.sentence);
    }
  }
  for (const Reason& reason : judge(whole).reasons) {
    if (!said.contains(reason.code)) judgement.add(reason.verdict, reason.code, reason.sentence);
  }
  if (whole.window_skew_ms > skew_limit * 1000 * window.count()) {
    judgement.add(Verdict::suspect, "window_skew",
                  fmt::format("the parts were not measured at the same time: their windows of {} s "
                              "began {} ms apart",
                              four_digits(window.count()), four_digits(whole.window_skew_ms)));
  }
  return judgement;
}

}  // namespace echomux
