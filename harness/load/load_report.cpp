#include "harness/load/load_report.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "harness/load/hdr_format.hpp"
#include "harness/stats/statistics.hpp"
#include "harness/text/field_json.hpp"
#include "harness/text/json.hpp"
#include "harness/text/number_text.hpp"
#include "harness/text/time_units.hpp"
#include "harness/text/words.hpp"

namespace echomux {
namespace {

// The bounds of what passes for valid, and why they lie there.
//
// An open loop that answers less than this part of what was due in its window has a queue that
// grows, or lost its requests.
constexpr double achieved_share = 0.99;
// A load in slices has an edge for each: what is in flight there counts for none, though it is
// answered at once, and a machine that takes its CPU away for 4 ms takes a tenth of a slice. A
// queue has no time to grow in a slice. So it can't be seen there that a server falls behind by
// less.
constexpr double achieved_share_in_slices = 0.9;
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
// by more than servers commonly differ. Of fewer than seven slices no trend is as clear.
constexpr double drift_p_limit = 0.001;
constexpr double drift_change_limit = 0.3;
// Nothing that a machine does while it works keeps a thread from running for so long.
constexpr double ms_of_standstill = 100;
// A thread that waits for its CPU longer than this shares it with something that is always there.
constexpr double not_alone_share = 0.1;
// A load that begins later than others by more of its measured time is another load. The time to
// start is well before the window, so a client that is late by its own fault is found by this, too.
constexpr double late_ms = 10;
// Requests in the window below which a share of them means little.
constexpr std::uint64_t few_requests = 3;

// Which of two verdicts on a run that took place decides.
auto gravity(Verdict verdict) {
  static constexpr std::array rising{Verdict::valid,   Verdict::saturated, Verdict::suspect,
                                     Verdict::starved, Verdict::invalid,   Verdict::not_possible};
  return std::ranges::find(rising, verdict) - rising.begin();
}

void judge_end(const LoadReport& report, Judgement& judgement) {
  const std::size_t confirmed = report.active_confirmed + report.idle_confirmed;
  switch (report.outcome.reason) {
    case RunEnd::starved:
      if (report.partly_answered > 0) break;  // said below
      judgement.add(
          Verdict::starved, "starved",
          fmt::format("the server left its peers without an answer; {} of {} active "
                      "connections were ever served{}{}",
                      report.active_confirmed, report.active,
                      report.outcome.sentence.empty() ? "" : "; ", report.outcome.sentence));
      break;
    case RunEnd::refused:
      judgement.add(Verdict::invalid, "refused",
                    fmt::format("connection {} of {} was turned away: {}{}", confirmed + 1,
                                report.active + report.idle_requested, report.outcome.sentence,
                                confirmed == 0 ? "; is an echo server listening there?" : ""));
      break;
    case RunEnd::server_gone:
      judgement.add(Verdict::invalid, "server_gone",
                    "the server ended all active connections of a client thread");
      break;
    case RunEnd::corrupted:
      judgement.add(Verdict::invalid, "corrupt", report.outcome.sentence);
      break;
    case RunEnd::interrupted:
      judgement.add(Verdict::invalid, "interrupted", "the run was interrupted");
      break;
    case RunEnd::completed:
    case RunEnd::not_run:
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
  if (!report.altered.empty()) {
    judgement.add(Verdict::suspect, "alters_bytes",
                  fmt::format("the server doesn't echo all bytes: {}{}", report.altered,
                              report.outcome.reason == RunEnd::completed
                                  ? "; the messages themselves were plain text, and came back right"
                                  : ""));
  }
  if (report.probe_unanswered && report.outcome.reason == RunEnd::completed) {
    judgement.add(
        Verdict::suspect, "not_probed",
        "a further connection, with a line of NUL, 0xFF and CR, got no answer within half "
        "a second: whether the server echoes all bytes isn't known");
  }
  const std::size_t idle_lost =
      report.idle_confirmed - std::min(report.idle_held, report.idle_confirmed);
  if (report.outcome.reason == RunEnd::completed && idle_lost > 0) {
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
      report.achieved_rps <
          (report.windows > 1 ? achieved_share_in_slices : achieved_share) * report.due_rps) {
    judgement.add(Verdict::invalid, "achieved_below_offered",
                  fmt::format("{} of {} requests per second were answered in time",
                              whole_number(report.achieved_rps), whole_number(report.due_rps)));
  }
}

void judge_client(const LoadReport& report, Judgement& judgement) {
  if (report.schedule_lag_us_p99 > lag_us_worth_mentioning &&
      report.schedule_lag_us_p99 > lag_part_of_p99 * report.latency_us.p99) {
    judgement.add(
        Verdict::suspect, "schedule_lag",
        fmt::format("the client sent its messages late (p99 {} µs), which is most of the "
                    "latency's tail (p99 {} µs)",
                    whole_number(report.schedule_lag_us_p99), whole_number(report.latency_us.p99)));
  }
  if (report.stood_still_ms > ms_of_standstill || report.longest_gap_us > 1000 * ms_of_standstill) {
    judgement.add(
        Verdict::suspect, "client_stood_still",
        fmt::format("the client did not run for {} ms at a time, as when it is stopped, or "
                    "its machine paused or asleep: nothing is known of the server then",
                    whole_number(std::max(report.stood_still_ms, report.longest_gap_us / 1000))));
  }
  if (report.throttled_share > delay_share_limit) {
    judgement.add(
        Verdict::suspect, "throttled",
        fmt::format("the CPU quota of the control group was used up for {} of the time, in "
                    "which neither client nor server ran; give the group more CPU time, or "
                    "lower the rate",
                    percent(report.throttled_share)));
  }
  if (report.run_queue_share > not_alone_share) {
    judgement.add(Verdict::suspect, "shared_cpu",
                  fmt::format("the client's threads waited {} of the time for a CPU that "
                              "something else had, the server perhaps; keep them apart, such as "
                              "with taskset -c 0 and taskset -c 1",
                              percent(report.run_queue_share)));
  }
  const double delay = std::max({report.steal_share, report.run_queue_share, report.gap_share});
  // No single wait is longer than all of them together: beyond that a tail has another cause.
  const bool may_be = 1000 * report.taken_ms >= report.latency_us.p99 - report.latency_us.p50;
  if (may_be && delay > delay_share_limit &&
      report.latency_us.p99 > long_tail * report.latency_us.p50) {
    judgement.add(
        Verdict::suspect, "tail_not_the_servers",
        fmt::format("the machine kept the client from its CPU (steal {}, run queue {}, "
                    "gaps {} of the time, the longest {} µs): the tail isn't the server's",
                    percent(report.steal_share, 1), percent(report.run_queue_share, 1),
                    percent(report.gap_share, 1), whole_number(report.longest_gap_us)));
  }
  if (report.started_late_ms > late_ms) {
    judgement.add(Verdict::suspect, "started_late",
                  fmt::format("the load began {} ms after the time that was set for it: its "
                              "connections were not open by then, or its CPU was busy; set a later "
                              "time",
                              whole_number(report.started_late_ms)));
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
  return word_of(verdict, {"valid", "suspect", "invalid", "saturated", "starved", "not_possible"});
}

void Judgement::add(Verdict because, std::string code, std::string sentence) {
  reasons.push_back({because, std::move(code), std::move(sentence)});
  std::ranges::stable_sort(reasons, std::greater{},
                           [](const Reason& reason) { return gravity(reason.verdict); });
  if (gravity(because) > gravity(verdict)) verdict = because;
}

LoadReport::Latency percentiles_of(const LatencyHistogram& histogram) {
  return {.p50 = to_us(histogram.percentile(50)),
          .p90 = to_us(histogram.percentile(90)),
          .p99 = to_us(histogram.percentile(99)),
          .p99_9 = to_us(histogram.percentile(99.9)),
          .p99_99 = to_us(histogram.percentile(99.99)),
          .max = to_us(histogram.max()),
          .mean = to_us(histogram.mean())};
}

LoadReport make_load_report(const Load& load, const SwarmResult& result) {
  LoadReport report;
  report.outcome = result.outcome;
  report.active = load.own_active();
  report.active_confirmed = result.active_confirmed;
  report.idle_requested = load.own_idle();
  report.idle_confirmed = result.idle_confirmed;
  report.idle_held = result.idle_held;
  report.lost = result.connections_lost;
  report.partly_answered = result.partly_answered;
  report.altered = result.altered;
  report.probe_unanswered = result.probe_unanswered;
  report.open_ms = to_us(result.open_time) / 1000;
  report.window_began_unix_s =
      std::chrono::duration<double>(result.window_began.time_since_epoch()).count();
  report.started_late_ms = to_us(result.started_late) / 1000;

  report.windows = std::max<std::size_t>(result.windows, 1);
  report.requests = result.latency.count() - result.requests_unanswered;
  if (load.requests_per_second > 0) {
    report.offered_rps = load.requests_per_second * static_cast<double>(load.own_active()) /
                         static_cast<double>(load.active_connections);
  }
  const double window_seconds = std::max(to_seconds(result.window_time), 1e-9);
  report.due_rps = static_cast<double>(result.latency.count()) / window_seconds;
  report.achieved_rps = static_cast<double>(result.window_requests) / window_seconds;
  report.unanswered = result.requests_unanswered;
  report.timed_out = result.requests_timed_out;
  report.latency_us = percentiles_of(result.latency);
  report.latency_uncorrected_us = percentiles_of(result.latency_uncorrected);
  report.histogram_v2 = to_hdr_v2(result.latency);
  report.histogram_uncorrected_v2 = to_hdr_v2(result.latency_uncorrected);

  const auto measured = static_cast<double>(std::max<std::uint64_t>(result.measured_requests, 1));
  const double thread_seconds =
      std::max(to_seconds(result.measured_time), 1e-9) * static_cast<double>(load.threads);
  report.client_cpu_us_per_request = to_us(result.client_cpu) / measured;
  report.client_busy_share = result.busiest_thread_share;
  report.schedule_lag_us_p99 = to_us(result.schedule_lag.percentile(99));
  report.schedule_lag_us_max = to_us(result.schedule_lag.max());
  report.steal_share = result.delays.steal_share;
  for (const auto& [cpu, share] : result.delays.steal_share_by_cpu) {
    report.steal_share_by_cpu[std::to_string(cpu)] = share;
  }
  report.run_queue_share = to_seconds(result.delays.run_queue) / thread_seconds;
  report.stood_still_ms = to_us(std::max(result.delays.stood_still, result.delays.asleep)) / 1000;
  // The kernel adds up its CPUs.
  report.throttled_share = std::min(
      1.0, to_seconds(result.delays.throttled) / std::max(to_seconds(result.measured_time), 1e-9));
  report.gap_share = to_seconds(result.delays.gaps) / thread_seconds;
  report.longest_gap_us = to_us(result.delays.longest_gap);
  report.taken_ms =
      1000 * std::max({to_seconds(result.delays.run_queue), to_seconds(result.delays.gaps),
                       report.steal_share * to_seconds(result.measured_time)});

  std::vector<double> latencies;
  std::ranges::copy_if(result.latency_by_part, std::back_inserter(latencies),
                       [](double ns) { return ns > 0; });
  // With a window that has holes, or too few points, there is no telling.
  if (!latencies.empty() && latencies.size() == result.latency_by_part.size()) {
    const Trend drift = trend(latencies);
    report.drift_p = drift.p;
    report.drift_relative_change = drift.relative_change;
  }
  return report;
}

bool is_broken(const LoadReport& report) noexcept {
  return report.outcome.kind != OutcomeKind::measured || report.lost > 0 || report.unanswered > 0 ||
         report.partly_answered > 0 || (report.active > 0 && report.requests == 0);
}

Judgement judge(const LoadReport& report) {
  Judgement judgement;
  judge_end(report, judgement);
  judge_connections(report, judgement);
  if (report.outcome.reason == RunEnd::completed || report.requests > 0)
    judge_rate(report, judgement);
  if (report.requests > 0) judge_client(report, judgement);
  if (report.outcome.reason == RunEnd::completed && report.requests == 0 && report.active > 0) {
    judgement.add(Verdict::invalid, "no_requests",
                  "no request was answered in the window; measure for longer, or offer more");
  }
  return judgement;
}

Json to_json(const LoadReport& report) {
  return json_of(report);
}

}  // namespace echomux
