#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/load/load_report.hpp"

namespace echomux {

// What one of several clients, each with its part of a load, saw of it.
struct LoadPart {
  std::string host;
  Part part;
  bool measures = true;  // false: it only puts its part on, and its latencies aren't in the whole's
  LoadReport load;
};

template <typename Visit>
void for_each_field(Of<LoadPart>, Visit visit) {
  visit({"host"}, &LoadPart::host);
  visit({"part", "I/N: which of how many."}, &LoadPart::part);
  visit({"measures", "Whether its latencies are among those of the whole."}, &LoadPart::measures);
  visit({"load"}, &LoadPart::load);
}

// The whole that such parts make up, with the skew of their windows by the clocks of their hosts.
// Counts and rates are added, and histograms count by count, so
// that percentiles are those of all requests together; none is a mean of percentiles. Of what
// befell the clients it has the worst. Throws std::runtime_error for a histogram that can't be
// read.
[[nodiscard]] LoadReport merged(const std::vector<LoadPart>& parts);

// The same for each host, in the order in which they first come.
struct HostLoad {
  std::string host;
  std::size_t parts = 0;
  LoadReport load;
};
[[nodiscard]] std::vector<HostLoad> by_host(const std::vector<LoadPart>& parts);

// Whose requests the slowest hundredth of all are, where most are one host's and more than its
// share of all requests explains.
struct TailOwner {
  std::string host;
  double tail_share = 0;
  double request_share = 0;
};
[[nodiscard]] std::optional<TailOwner> tail_owner(const std::vector<LoadPart>& parts);

// Judges the whole: by its figures, by what befell single parts, and by what only all of them show.
// Their windows were to last `window`.
[[nodiscard]] Judgement judge(const LoadReport& whole, const std::vector<LoadPart>& parts,
                              std::chrono::duration<double> window);

}  // namespace echomux
