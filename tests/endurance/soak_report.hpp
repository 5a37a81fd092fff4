#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/endurance/soak_run.hpp"

namespace echomux {

class Json;

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

// The table and what failed, as Markdown that reads well on a terminal.
[[nodiscard]] std::string soak_table(const SoakResult& result,
                                     const std::vector<SoakVerdict>& verdicts);

// All samples and windows, with the verdicts.
[[nodiscard]] Json soak_json(const SoakResult& result, const std::vector<SoakVerdict>& verdicts);

}  // namespace echomux
