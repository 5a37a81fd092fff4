#include "harness/load/load_report.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "harness/load/hdr_format.hpp"
#include "harness/stats/statistics.hpp"
#include "harness/text/json.hpp"
#include "harness/text/number_text.hpp"

namespace echomux {
namespace {

// The bounds of what passes for valid, and why they lie there.
//
// An open loop that answers less than this part of what was due in its window has a queue that
// grows, or lost its requests.
constexpr double achieved_share = 0.99;
// A thread that is busier than this has no time left to keep its schedule.
constexpr double client_busy_limit = 0.9;
// The client's own lateness is a part of every latency. It may be a half of the 99th percentile at
// most, and below the resolution of a sleeping thread on a busy machine it is not worth a word.
constexpr double lag_part_of_p99 = 0.5;
constexpr double lag_us_worth_mentioning = 100;
// Time taken from the client beyond this share reaches the 99th percentile.
constexpr double delay_share_limit = 0.01;
// And a tail is long when that percentile lies this many times above the median.
constexpr double long_tail = 4;
// A trend as clear as this comes by chance once in a thousand stationary windows (in more of them
// where the machine's moods last for longer than a slice). It matters when the latency has changed
// by more than servers commonly differ.
constexpr double drift_p_limit = 0.001;
constexpr double drift_change_limit = 0.3;
// A thread that waits for its CPU longer than this shares it with something that is always there.
constexpr double not_alone_share = 0.1;
// Requests in the window below which a share of them means little.
constexpr std::uint64_t few_requests = 3;

constexpr std::array verdicts{Verdict::valid,     Verdict::suspect, Verdict::invalid,
                              Verdict::saturated, Verdict::starved, Verdict::not_possible};
constexpr std::array ends{SwarmEnd::completed,   SwarmEnd::starved,   SwarmEnd::refused,
                          SwarmEnd::server_gone, SwarmEnd::corrupted, SwarmEnd::interrupted};

double to_us(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

double to_seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

LoadReport::Latency summarize(const LatencyHistogram& histogram) {
  return {.p50 = to_us(histogram.percentile(50)),
          .p90 = to_us(histogram.percentile(90)),
          .p99 = to_us(histogram.percentile(99)),
          .p99_9 = to_us(histogram.percentile(99.9)),
          .p99_99 = to_us(histogram.percentile(99.99)),
          .max = to_us(histogram.max()),
          .mean = to_us(histogram.mean())};
}

LoadReport::Latency latency_from(const Json& json) {
  return {.p50 = json.at("p50").get<double>(),
          .p90 = json.at("p90").get<double>(),
          .p99 = json.at("p99").get<double>(),
          .p99_9 = json.at("p99_9").get<double>(),
          .p99_99 = json.at("p99_99").get<double>(),
          .max = json.at("max").get<double>(),
          .mean = json.at("mean").get<double>()};
}

// Which of two verdicts on a run that took place decides.
int gravity(Verdict verdict) {
  switch (verdict) {
    case Verdict::valid:
      return 0;
    case Verdict::saturated:
      return 1;
    case Verdict::suspect:
      return 2;
    case Verdict::starved:
      return 3;
    case Verdict::invalid:
      return 4;
    case Verdict::not_possible:
      return 5;
  }
  return 0;
}

void judge_end(const LoadReport& report, Judgement& judgement) {
  const std::size_t confirmed = report.active_confirmed + report.idle_confirmed;
  switch (report.end) {
    case SwarmEnd::completed:
      break;
    case SwarmEnd::starved:
      if (report.partly_answered > 0) break;  // said below
      judgement.add(Verdict::starved, "starved",
                    fmt::format("the server left its peers without an answer; {} of {} active "
                                "connections were ever served",
                                report.active_confirmed, report.active));
      break;
    case SwarmEnd::refused:
      judgement.add(Verdict::invalid, "refused",
                    fmt::format("connection {} of {} was turned away: {}{}", confirmed + 1,
                                report.active + report.idle_requested, report.detail,
                                confirmed == 0 ? "; is an echo server listening there?" : ""));
      break;
    case SwarmEnd::server_gone:
      judgement.add(Verdict::invalid, "server_gone",
                    "the server ended all active connections of a client thread");
      break;
    case SwarmEnd::corrupted:
      judgement.add(Verdict::invalid, "corrupt", report.detail);
      break;
    case SwarmEnd::interrupted:
      judgement.add(Verdict::invalid, "interrupted", "the run was interrupted");
      break;
  }
}

void judge_connections(const LoadReport& report, Judgement& judgement) {
  if (report.partly_answered > 0) {
    judgement.add(Verdict::invalid, "short_echo",
                  fmt::format("{} connections got back a part of what they had sent, and no more",
                              report.partly_answered));
  } else if (report.unanswered > 0) {
    judgement.add(Verdict::invalid, "unanswered",
                  fmt::format("{} requests had no answer a second after the window had closed",
                              report.unanswered));
  }
  if (report.timed_out > 0) {
    judgement.add(Verdict::suspect, "timed_out",
                  fmt::format("{} answers came after the timeout", report.timed_out));
  }
  const std::size_t idle_lost =
      report.idle_confirmed - std::min(report.idle_held, report.idle_confirmed);
  if (report.end == SwarmEnd::completed && idle_lost > 0) {
    judgement.add(Verdict::invalid, "idle_lost",
                  fmt::format("the server ended {} of {} idle connections", idle_lost,
                              report.idle_confirmed));
  } else if (report.lost > 0) {
    judgement.add(Verdict::invalid, "connections_lost",
                  fmt::format("the server ended {} connections", report.lost));
  }
}

// Whether the client kept up with what it was to offer, and the server with what it was offered.
void judge_rate(const LoadReport& report, Judgement& judgement) {
  if (report.client_busy_share > client_busy_limit) {
    judgement.add(Verdict::invalid, "client_overloaded",
                  fmt::format("a client thread was busy {} of the time: the figures are its "
                              "own limit; lower the rate, or give it --threads on further CPUs",
                              percent(report.client_busy_share)));
  }
  if (report.offered_rps && report.requests + report.unanswered > few_requests &&
      report.achieved_rps < achieved_share * report.due_rps) {
    judgement.add(Verdict::invalid, "achieved_below_offered",
                  fmt::format("{:.0f} of {:.0f} requests per second were answered in time",
                              report.achieved_rps, report.due_rps));
  }
}

void judge_client(const LoadReport& report, Judgement& judgement) {
  if (report.schedule_lag_us_p99 > lag_us_worth_mentioning &&
      report.schedule_lag_us_p99 > lag_part_of_p99 * report.latency_us.p99) {
    judgement.add(Verdict::suspect, "schedule_lag",
                  fmt::format("the client sent its messages late (p99 {:.0f} µs), which is most of "
                              "the latency's tail (p99 {:.0f} µs)",
                              report.schedule_lag_us_p99, report.latency_us.p99));
  }
  if (report.run_queue_share > not_alone_share) {
    judgement.add(Verdict::suspect, "shared_cpu",
                  fmt::format("the client's threads waited {} of the time for a CPU that "
                              "something else had, the server perhaps; keep them apart, such as "
                              "with taskset -c 0 and taskset -c 1",
                              percent(report.run_queue_share)));
  }
  const double delay = std::max({report.steal_share, report.run_queue_share, report.gap_share});
  if (delay > delay_share_limit && report.latency_us.p99 > long_tail * report.latency_us.p50) {
    judgement.add(
        Verdict::suspect, "tail_not_the_servers",
        fmt::format("the machine kept the client from its CPU (steal {}, run queue {}, "
                    "gaps {} of the time, the longest {:.0f} µs): the tail isn't the server's",
                    percent(report.steal_share, 1), percent(report.run_queue_share, 1),
                    percent(report.gap_share, 1), report.longest_gap_us));
  }
  if (report.drift_p < drift_p_limit &&
      std::abs(report.drift_relative_change) > drift_change_limit) {
    judgement.add(Verdict::suspect, "drift",
                  fmt::format("the latency {} by {} in the course of the window",
                              report.drift_relative_change > 0 ? "rose" : "fell",
                              percent(std::abs(report.drift_relative_change))));
  }
}

}  // namespace

std::string_view to_string(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::valid:
      return "valid";
    case Verdict::suspect:
      return "suspect";
    case Verdict::invalid:
      return "invalid";
    case Verdict::saturated:
      return "saturated";
    case Verdict::starved:
      return "starved";
    case Verdict::not_possible:
      return "not_possible";
  }
  return "";
}

Verdict verdict_from(std::string_view text) {
  const auto* const found =
      std::ranges::find(verdicts, text, [](Verdict v) { return to_string(v); });
  if (found == verdicts.end()) throw std::invalid_argument(fmt::format("no verdict: '{}'", text));
  return *found;
}

std::string_view to_string(SwarmEnd end) noexcept {
  switch (end) {
    case SwarmEnd::completed:
      return "completed";
    case SwarmEnd::starved:
      return "starved";
    case SwarmEnd::refused:
      return "refused";
    case SwarmEnd::server_gone:
      return "server_gone";
    case SwarmEnd::corrupted:
      return "corrupted";
    case SwarmEnd::interrupted:
      return "interrupted";
  }
  return "";
}

void Judgement::add(Verdict because, std::string code, std::string sentence) {
  reasons.push_back({because, std::move(code), std::move(sentence)});
  std::ranges::stable_sort(reasons, std::greater{},
                           [](const Reason& reason) { return gravity(reason.verdict); });
  if (gravity(because) > gravity(verdict)) verdict = because;
}

LoadReport make_load_report(const SwarmOptions& options, const SwarmResult& result) {
  LoadReport report;
  report.end = result.end;
  report.detail = result.detail;
  report.active = options.active_connections;
  report.active_confirmed = result.active_confirmed;
  report.idle_requested = options.idle_connections;
  report.idle_confirmed = result.idle_confirmed;
  report.idle_held = result.idle_held;
  report.lost = result.connections_lost;
  report.partly_answered = result.partly_answered;
  report.open_ms = to_us(result.open_time) / 1000;

  report.requests = result.latency.count() - result.requests_unanswered;
  if (options.requests_per_second > 0) report.offered_rps = options.requests_per_second;
  const double window_seconds = std::max(to_seconds(result.window_time), 1e-9);
  report.due_rps = static_cast<double>(result.latency.count()) / window_seconds;
  report.achieved_rps = static_cast<double>(result.window_requests) / window_seconds;
  report.unanswered = result.requests_unanswered;
  report.timed_out = result.requests_timed_out;
  report.latency_us = summarize(result.latency);
  report.latency_uncorrected_us = summarize(result.latency_uncorrected);
  report.histogram_v2 = to_hdr_v2(result.latency);
  report.histogram_uncorrected_v2 = to_hdr_v2(result.latency_uncorrected);

  const auto measured = static_cast<double>(std::max<std::uint64_t>(result.measured_requests, 1));
  const double thread_seconds =
      std::max(to_seconds(result.measured_time), 1e-9) * static_cast<double>(options.threads);
  report.client_cpu_us_per_request = to_us(result.client_cpu) / measured;
  report.client_busy_share = result.busiest_thread_share;
  report.schedule_lag_us_p99 = to_us(result.schedule_lag.percentile(99));
  report.schedule_lag_us_max = to_us(result.schedule_lag.max());
  report.steal_share = result.delays.steal_share;
  for (const auto& [cpu, share] : result.delays.steal_share_by_cpu) {
    report.steal_share_by_cpu[std::to_string(cpu)] = share;
  }
  report.run_queue_share = to_seconds(result.delays.run_queue) / thread_seconds;
  report.gap_share = to_seconds(result.delays.gaps) / thread_seconds;
  report.longest_gap_us = to_us(result.delays.longest_gap);

  std::vector<double> slices;
  std::ranges::copy_if(result.slices, std::back_inserter(slices), [](double ns) { return ns > 0; });
  // With a window that has holes, or too few points, there is no telling.
  if (slices.size() == result.slices.size()) {
    const Trend drift = trend(slices);
    report.drift_p = drift.p;
    report.drift_relative_change = drift.relative_change;
  }
  return report;
}

Judgement judge(const LoadReport& report) {
  Judgement judgement;
  judge_end(report, judgement);
  judge_connections(report, judgement);
  if (report.end == SwarmEnd::completed || report.requests > 0) judge_rate(report, judgement);
  if (report.requests > 0) judge_client(report, judgement);
  if (report.end == SwarmEnd::completed && report.requests == 0) {
    judgement.add(Verdict::invalid, "no_requests",
                  "no request was answered in the window; measure for longer, or offer more");
  }
  return judgement;
}

Json to_json(const LoadReport::Latency& latency) {
  return {{"p50", latency.p50},     {"p90", latency.p90},       {"p99", latency.p99},
          {"p99_9", latency.p99_9}, {"p99_99", latency.p99_99}, {"max", latency.max},
          {"mean", latency.mean}};
}

Json to_json(const LoadReport& report) {
  return {{"end", to_string(report.end)},
          {"detail", report.detail},
          {"requests", report.requests},
          {"offered_rps", report.offered_rps},
          {"due_rps", report.due_rps},
          {"achieved_rps", report.achieved_rps},
          {"unanswered", report.unanswered},
          {"timed_out", report.timed_out},
          {"latency_us", to_json(report.latency_us)},
          {"latency_uncorrected_us", to_json(report.latency_uncorrected_us)},
          {"connections",
           {{"active", report.active},
            {"active_confirmed", report.active_confirmed},
            {"idle_requested", report.idle_requested},
            {"idle_confirmed", report.idle_confirmed},
            {"idle_held", report.idle_held},
            {"lost", report.lost},
            {"partly_answered", report.partly_answered},
            {"open_ms", report.open_ms}}},
          {"client",
           {{"cpu_us_per_request", report.client_cpu_us_per_request},
            {"busy_share", report.client_busy_share},
            {"schedule_lag_us_p99", report.schedule_lag_us_p99},
            {"schedule_lag_us_max", report.schedule_lag_us_max},
            {"steal_share", report.steal_share},
            {"steal_share_by_cpu", report.steal_share_by_cpu},
            {"run_queue_share", report.run_queue_share},
            {"gap_share", report.gap_share},
            {"longest_gap_us", report.longest_gap_us}}},
          {"drift", {{"p", report.drift_p}, {"relative_change", report.drift_relative_change}}},
          {"histogram_v2", report.histogram_v2},
          {"histogram_uncorrected_v2", report.histogram_uncorrected_v2}};
}

LoadReport load_report_from(const Json& json) {
  LoadReport report;
  const auto* const end = std::ranges::find(ends, json.at("end").get<std::string>(),
                                            [](SwarmEnd e) { return std::string(to_string(e)); });
  if (end == ends.end()) throw std::invalid_argument("unknown end " + json.at("end").dump());
  report.end = *end;
  json.at("detail").get_to(report.detail);
  json.at("requests").get_to(report.requests);
  json.at("offered_rps").get_to(report.offered_rps);
  json.at("due_rps").get_to(report.due_rps);
  json.at("achieved_rps").get_to(report.achieved_rps);
  json.at("unanswered").get_to(report.unanswered);
  json.at("timed_out").get_to(report.timed_out);
  report.latency_us = latency_from(json.at("latency_us"));
  report.latency_uncorrected_us = latency_from(json.at("latency_uncorrected_us"));
  const Json& connections = json.at("connections");
  connections.at("active").get_to(report.active);
  connections.at("active_confirmed").get_to(report.active_confirmed);
  connections.at("idle_requested").get_to(report.idle_requested);
  connections.at("idle_confirmed").get_to(report.idle_confirmed);
  connections.at("idle_held").get_to(report.idle_held);
  connections.at("lost").get_to(report.lost);
  connections.at("partly_answered").get_to(report.partly_answered);
  connections.at("open_ms").get_to(report.open_ms);
  const Json& client = json.at("client");
  client.at("cpu_us_per_request").get_to(report.client_cpu_us_per_request);
  client.at("busy_share").get_to(report.client_busy_share);
  client.at("schedule_lag_us_p99").get_to(report.schedule_lag_us_p99);
  client.at("schedule_lag_us_max").get_to(report.schedule_lag_us_max);
  client.at("steal_share").get_to(report.steal_share);
  if (client.contains("steal_share_by_cpu")) {
    client.at("steal_share_by_cpu").get_to(report.steal_share_by_cpu);
  }
  client.at("run_queue_share").get_to(report.run_queue_share);
  client.at("gap_share").get_to(report.gap_share);
  client.at("longest_gap_us").get_to(report.longest_gap_us);
  json.at("drift").at("p").get_to(report.drift_p);
  json.at("drift").at("relative_change").get_to(report.drift_relative_change);
  json.at("histogram_v2").get_to(report.histogram_v2);
  json.at("histogram_uncorrected_v2").get_to(report.histogram_uncorrected_v2);
  return report;
}

}  // namespace echomux
