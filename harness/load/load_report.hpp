#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/load/swarm.hpp"
#include "harness/text/field.hpp"

namespace echomux {

class Json;

// Whether figures can be trusted, and if there are none, whose matter that is.
enum class Verdict : std::uint8_t {
  valid,
  suspect,       // something may have bent the figures; the reasons say what
  invalid,       // the figures don't say what they seem to, or the run failed
  saturated,     // trustworthy: the server had nothing left to give
  starved,       // trustworthy: the server left peers without any answer
  not_possible,  // never run: a limit of the server or of this machine
};
[[nodiscard]] std::string_view to_string(Verdict verdict) noexcept;

// Why a verdict isn't `valid`: a short name for machines and a sentence for people.
struct Reason {
  Verdict verdict = Verdict::suspect;  // what it makes of a run that is valid otherwise
  std::string code;
  std::string sentence;
};

template <typename Visit>
void for_each_field(Of<Reason>, Visit visit) {
  visit({"verdict"}, &Reason::verdict);
  visit({"code", "A short name for machines."}, &Reason::code);
  visit({"sentence"}, &Reason::sentence);
}

struct Judgement {
  Verdict verdict = Verdict::valid;
  std::vector<Reason> reasons;  // the gravest first

  // Adds a reason, and changes the verdict if it is graver.
  void add(Verdict because, std::string code, std::string sentence);
};

template <typename Visit>
void for_each_field(Of<Judgement>, Visit visit) {
  visit({"verdict"}, &Judgement::verdict);
  visit({"reasons"}, &Judgement::reasons);
}

// The figures of one load, as the client saw it. Times in microseconds.
struct LoadReport {
  struct Latency {
    double p50 = 0, p90 = 0, p99 = 0, p99_9 = 0, p99_99 = 0, max = 0, mean = 0;
  };

  RunOutcome outcome;
  std::size_t windows = 1;
  std::uint64_t requests = 0;
  std::optional<double> offered_rps;  // none: closed loop
  double due_rps = 0;
  double achieved_rps = 0;
  std::uint64_t unanswered = 0;
  std::uint64_t timed_out = 0;
  Latency latency_us;
  Latency latency_uncorrected_us;

  std::size_t active = 0;
  std::size_t active_confirmed = 0;
  std::size_t idle_requested = 0;
  std::size_t idle_confirmed = 0;
  std::size_t idle_held = 0;
  std::size_t lost = 0;
  std::size_t partly_answered = 0;
  std::string altered;
  bool probe_unanswered = false;
  double open_ms = 0;
  double window_began_unix_s = 0;
  double started_late_ms = 0;
  double window_skew_ms = 0;

  double client_cpu_us_per_request = 0;
  double client_busy_share = 0;
  double schedule_lag_us_p99 = 0;
  double schedule_lag_us_max = 0;
  double steal_share = 0;
  std::map<std::string, double> steal_share_by_cpu;
  double run_queue_share = 0;
  double stood_still_ms = 0;
  double throttled_share = 0;
  double gap_share = 0;
  double longest_gap_us = 0;
  double taken_ms = 0;

  double drift_p = 1;
  double drift_relative_change = 0;
  std::string histogram_v2;
  std::string histogram_uncorrected_v2;
};

template <typename Visit>
void for_each_field(Of<LoadReport::Latency>, Visit visit) {
  using Latency = LoadReport::Latency;
  visit({.name = "p50",
         .explanation = "Half of all requests were answered at least this fast, counted from when "
                        "they were due.",
         .title = "Latency p50",
         .unit = "µs",
         .head = "p50 µs",
         .places = {.csv = 1, .table = 1, .page = 2},
         .form = Form::interval},
        &Latency::p50);
  visit({"p90"}, &Latency::p90);
  visit({.name = "p99",
         .explanation = "One request in a hundred took longer than this, counted from when it was "
                        "due.",
         .title = "Latency p99",
         .unit = "µs",
         .head = "p99 µs",
         .places = {.csv = 2, .table = 2, .page = 3},
         .form = Form::interval},
        &Latency::p99);
  visit({.name = "p99_9", .head = "p99.9 µs", .places = {.csv = 3}}, &Latency::p99_9);
  visit({"p99_99"}, &Latency::p99_99);
  visit({"max"}, &Latency::max);
  visit({"mean"}, &Latency::mean);
}

template <typename Visit>
void for_each_field(Of<LoadReport>, Visit visit) {
  visit(
      {"end"}, [](auto& report) -> auto& { return report.outcome.reason; });
  visit(
      {"detail", "What went wrong, where something did."},
      [](auto& report) -> auto& { return report.outcome.sentence; });
  visit({.name = "windows", .explanation = "That were measured, in slices.", .since = 3},
        &LoadReport::windows);
  visit({"requests", "Due within the window and answered."}, &LoadReport::requests);
  visit({"offered_rps", "What the schedule is made for; null in a closed loop."},
        &LoadReport::offered_rps);
  visit({"due_rps", "What the schedule called for in the window: arrivals are random."},
        &LoadReport::due_rps);
  visit({.name = "achieved_rps",
         .explanation = "Answered within the window.",
         .head = "req/s",
         .places = {.csv = 6, .table = 6},
         .form = Form::whole},
        &LoadReport::achieved_rps);
  visit({"unanswered"}, &LoadReport::unanswered);
  visit({"timed_out"}, &LoadReport::timed_out);
  visit({.name = "latency_us",
         .explanation = "From when each message was due.",
         .source = "client: from when a message was due to the last byte of its echo",
         .places = {.ledger = 1},
         .metrics = true},
        &LoadReport::latency_us);
  visit({.name = "latency_uncorrected_us",
         .explanation = "From when each message was really sent.",
         .source = "client: from when a message was really sent",
         .places = {.ledger = 2}},
        &LoadReport::latency_uncorrected_us);
  visit({"connections.active"}, &LoadReport::active);
  visit({"connections.active_confirmed"}, &LoadReport::active_confirmed);
  visit({"connections.idle_requested"}, &LoadReport::idle_requested);
  visit({"connections.idle_confirmed"}, &LoadReport::idle_confirmed);
  visit({"connections.idle_held", "Still open at the end."}, &LoadReport::idle_held);
  visit({"connections.lost", "Ended by the server."}, &LoadReport::lost);
  visit({"connections.partly_answered", "Got a part of an echo and no more."},
        &LoadReport::partly_answered);
  visit({.name = "connections.altered",
         .explanation = "What became of a line with NUL, 0xFF and CR, if it wasn't echoed as it "
                        "was; empty where it was, or nobody was asked.",
         .since = 4},
        &LoadReport::altered);
  visit({.name = "connections.probe_unanswered",
         .explanation = "That line was sent on a further connection, and nothing came in time.",
         .since = 7},
        &LoadReport::probe_unanswered);
  visit({"connections.open_ms", "To open and confirm all connections."}, &LoadReport::open_ms);
  visit({.name = "window_began_unix_s",
         .explanation = "When the measured time began, by the client's clock, in seconds since "
                        "1970; 0 where there was none.",
         .since = 7},
        &LoadReport::window_began_unix_s);
  visit({.name = "started_late_ms",
         .explanation = "How much later than it was to the load began.",
         .since = 7},
        &LoadReport::started_late_ms);
  visit({.name = "window_skew_ms",
         .explanation = "By how much the windows of several clients began at different times.",
         .since = 7},
        &LoadReport::window_skew_ms);
  visit({.name = "client.cpu_us_per_request",
         .head = "client µs/req",
         .source = "the CPU clocks of the client's threads",
         .places = {.csv = 16, .ledger = 19}},
        &LoadReport::client_cpu_us_per_request);
  visit({"client.busy_share", "Of one CPU, by its busiest thread."},
        &LoadReport::client_busy_share);
  visit({"client.schedule_lag_us_p99"}, &LoadReport::schedule_lag_us_p99);
  visit({"client.schedule_lag_us_max"}, &LoadReport::schedule_lag_us_max);
  visit({"client.steal_share"}, &LoadReport::steal_share);
  visit({.name = "client.steal_share_by_cpu", .since = 3}, &LoadReport::steal_share_by_cpu);
  visit({"client.run_queue_share"}, &LoadReport::run_queue_share);
  visit({.name = "client.stood_still_ms",
         .explanation = "The longest time for which it didn't run although it should have, or for "
                        "which the machine was asleep.",
         .since = 4},
        &LoadReport::stood_still_ms);
  visit({.name = "client.throttled_share",
         .explanation = "Of the time, for which the control group's CPU quota was used up.",
         .since = 4},
        &LoadReport::throttled_share);
  visit({"client.gap_share"}, &LoadReport::gap_share);
  visit({"client.longest_gap_us"}, &LoadReport::longest_gap_us);
  visit({.name = "client.taken_ms",
         .explanation = "Of the measured time, in which the machine kept the client's threads from "
                        "their CPUs: by steal, by the run queue or in gaps, whichever is the most.",
         .since = 7},
        &LoadReport::taken_ms);
  visit({"drift.p", "That a trend as clear as this one comes by chance."}, &LoadReport::drift_p);
  visit({"drift.relative_change", "Of the latency, from the window's begin to its end."},
        &LoadReport::drift_relative_change);
  visit({"histogram_v2", "HdrHistogram V2, compressed, base64; values in nanoseconds."},
        &LoadReport::histogram_v2);
  visit({"histogram_uncorrected_v2"}, &LoadReport::histogram_uncorrected_v2);
}

// The percentiles of such latencies.
[[nodiscard]] LoadReport::Latency percentiles_of(const LatencyHistogram& histogram);

// Works the figures out. `load` is that of the run.
[[nodiscard]] LoadReport make_load_report(const Load& load, const SwarmResult& result);

// Whether the load failed: a server that leaves its peers without an answer has, too.
[[nodiscard]] bool is_broken(const LoadReport& report) noexcept;

// Judges them by what the client alone can know.
[[nodiscard]] Judgement judge(const LoadReport& report);

// The fields that `echomux swarm --format json` prints, without verdict and reasons.
[[nodiscard]] Json to_json(const LoadReport& report);

}  // namespace echomux
