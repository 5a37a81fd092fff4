#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "harness/server/process_state.hpp"
#include "harness/text/table.hpp"
#include "tests/endurance/churn.hpp"
#include "tests/endurance/endurance.hpp"

namespace echomux {

// How far a soak is.
struct SoakProgress {
  std::chrono::nanoseconds elapsed{0};
  std::chrono::nanoseconds left{0};
  std::uint64_t connections = 0;  // of all servers' churn, until its last look
  std::size_t servers_failed = 0;
};

struct SoakOptions {
  std::chrono::nanoseconds duration = std::chrono::minutes(30);
  std::chrono::nanoseconds sample_interval = std::chrono::seconds(1);
  // The well-behaved peers' latency is measured in one window after the other, each with
  // connections of its own; all servers' windows begin at the same time.
  std::chrono::nanoseconds window = std::chrono::seconds(10);
  // How long a server may take to close what its peers have left at the end.
  std::chrono::nanoseconds time_to_clean_up = std::chrono::seconds(10);
  double requests_per_second = 200;  // of the well-behaved peers of each server
  double arrivals_per_second = 20;   // of the churn of each server
  std::uint64_t seed = 1;
  // The client's threads on this CPU, kept awake, and the churn gives way to the peers that are
  // measured. None: wherever the system puts them, as equals.
  std::optional<int> client_cpu;
  std::function<void(const SoakProgress&)> on_progress = [](const SoakProgress&) {};
};

// A server at one moment.
struct SoakSample : ProcessState {
  double seconds = 0;                     // since the soak began
  std::optional<std::uint64_t> accepted;  // by its own counters; none: not reported
  std::optional<std::uint64_t> closed;
};

// What its well-behaved peers saw in one window.
struct SoakWindow : PeerLatency {
  double seconds = 0;  // at its begin
};

// One server's soak.
struct SoakRecord {
  std::string name;
  std::vector<SoakSample> samples;
  std::vector<SoakWindow> windows;
  ChurnResult churn;
  std::uint64_t requests = 0;         // of the well-behaved peers, all bytes of which came back
  ProcessState before;                // when no peer had come yet
  std::optional<SoakSample> after;    // when all had gone; none if the server was dead by then
  std::vector<std::string> failures;  // sentences: a byte lost or wrong, a leak, an end
};

struct SoakResult {
  std::vector<SoakRecord> servers;  // in the order given
  bool interrupted = false;
  std::chrono::nanoseconds duration{0};  // that it really took
  // After which as many peers leave as come: before that, more of everything is needed all the
  // time.
  std::chrono::nanoseconds settling{0};
};

// Runs all servers side by side under their loads for the whole time, each with a load of its own,
// and watches them. Ends early when asked to, with what there is by then. A server that fails is
// loaded no more, and is a record that says so. Throws std::exception when a server can't be
// started.
[[nodiscard]] SoakResult run_soak(const SoakOptions& options,
                                  const std::vector<EnduranceTarget>& servers,
                                  const std::stop_token& stop = {});

// A series that should be flat. What is judged begins when a third of the time is over, and the
// soak has settled, for heaps and thread stacks grow up to what the load needs; and it is cut into
// at most twenty slices, whose medians are tested: samples a second apart aren't independent, since
// peers stay for longer, and the test would take any wave of theirs for a trend.
//
// It isn't flat when three things come together: it rises by more than 5 % of its median in the
// time that is judged; by more than what chance does to the load, `least_rise`; and the test of
// Mann and Kendall, corrected by Holm's procedure for the number of series, gives at most 5 %. To
// fall is no fault.
struct SoakSeries {
  enum class Verdict : std::uint8_t { flat, not_flat, too_short };

  std::string name;
  std::string unit;
  double least_rise = 0;
  std::vector<double> slices;  // their medians
  double median = 0;
  double rise = 0;  // from first to last slice, on the line of Theil and Sen
  double p = 1;
  double p_corrected = 1;
  Verdict verdict = Verdict::too_short;  // fewer than five values
};

// A server's soak with its verdicts.
struct SoakVerdict {
  std::vector<SoakSeries> series;
  bool failed = false;  // a byte lost or wrong, an end, or a leak: descriptors, threads or memory

  [[nodiscard]] const SoakSeries& of(std::string_view name) const;
  [[nodiscard]] bool all_flat() const;
};

// Judges all servers of a soak, in its order. Their latencies are divided, window by window, by
// those of the server called `control`, if it is there: on a machine that slows down, everything
// does. Series: "descriptors", "memory", "threads", "p50" and "p99".
[[nodiscard]] std::vector<SoakVerdict> judge_soak(const SoakResult& result,
                                                  const std::string& control);

// The table and what failed.
[[nodiscard]] std::string soak_table(const SoakResult& result,
                                     const std::vector<SoakVerdict>& verdicts,
                                     TableFormat format = TableFormat::text);

// All samples and windows, with the verdicts.
[[nodiscard]] Json soak_json(const SoakResult& result, const std::vector<SoakVerdict>& verdicts);

}  // namespace echomux
