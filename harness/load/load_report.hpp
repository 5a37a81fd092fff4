#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/load/swarm.hpp"

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
// Throws std::invalid_argument for what is none of them.
[[nodiscard]] Verdict verdict_from(std::string_view text);

// Why a verdict isn't `valid`: a short name for machines and a sentence for people.
struct Reason {
  Verdict verdict = Verdict::suspect;  // what it makes of a run that is valid otherwise
  std::string code;
  std::string sentence;
};
struct Judgement {
  Verdict verdict = Verdict::valid;
  std::vector<Reason> reasons;  // the gravest first

  // Adds a reason, and changes the verdict if it is graver.
  void add(Verdict because, std::string code, std::string sentence);
};

// The figures of one load, as the client saw it. Times in microseconds.
struct LoadReport {
  struct Latency {
    double p50 = 0, p90 = 0, p99 = 0, p99_9 = 0, p99_99 = 0, max = 0, mean = 0;
  };

  SwarmEnd end = SwarmEnd::completed;
  std::string detail;  // what went wrong, where something did
  std::size_t active = 0;
  std::size_t active_confirmed = 0;
  std::size_t idle_requested = 0;
  std::size_t idle_confirmed = 0;
  std::size_t idle_held = 0;
  std::size_t lost = 0;  // connections that the server ended
  std::size_t partly_answered = 0;
  double open_ms = 0;  // to open and confirm all connections

  std::uint64_t requests = 0;         // due within the window and answered
  std::optional<double> offered_rps;  // none: closed loop
  double due_rps = 0;       // what the schedule really called for in the window; random arrivals
  double achieved_rps = 0;  // answered within the window
  std::uint64_t unanswered = 0;
  std::uint64_t timed_out = 0;
  Latency latency_us;              // from when each message was due
  Latency latency_uncorrected_us;  // from when it was really sent
  std::string histogram_v2;        // the same as standard HdrHistograms, values in nanoseconds
  std::string histogram_uncorrected_v2;

  double client_cpu_us_per_request = 0;
  double client_busy_share = 0;  // of one CPU, by its busiest thread
  double schedule_lag_us_p99 = 0;
  double schedule_lag_us_max = 0;
  double steal_share = 0;
  std::map<std::string, double> steal_share_by_cpu;
  double run_queue_share = 0;
  double gap_share = 0;
  double longest_gap_us = 0;
  double drift_p = 1;                // that a trend as clear as this one comes by chance
  double drift_relative_change = 0;  // of the latency, from the window's begin to its end
};

// Works the figures out. `options` are those of the run.
[[nodiscard]] LoadReport make_load_report(const SwarmOptions& options, const SwarmResult& result);

// Judges them by what the client alone can know.
[[nodiscard]] Judgement judge(const LoadReport& report);

// The fields that `echomux swarm --format json` prints, without verdict and reasons; and back.
[[nodiscard]] Json to_json(const LoadReport& report);
[[nodiscard]] LoadReport load_report_from(const Json& json);
// {"p50": …, "p90": …, …}
[[nodiscard]] Json to_json(const LoadReport::Latency& latency);

[[nodiscard]] std::string_view to_string(SwarmEnd end) noexcept;

}  // namespace echomux
