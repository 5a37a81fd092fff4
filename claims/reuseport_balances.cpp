// How evenly does the kernel deal connections to listeners that share a port?
#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "claims/all_claims.hpp"
#include "claims/support/bench.hpp"
#include "claims/support/comparison.hpp"
#include "harness/text/number_text.hpp"

namespace echomux::claims {
namespace reuseport_balances_claim {

constexpr std::size_t loops = 4;
constexpr std::size_t few = 12;
constexpr std::size_t many = 2000;
// The busiest loop's share over the mean, up to which the shares are called even.
constexpr double material = 1.1;

std::vector<std::uint64_t> deal(const Laboratory& laboratory, std::size_t connections) {
  ServerProcess server(
      serve_command(laboratory.program, "reuseport", {"--workers", std::to_string(loops)}));
  IdlePeers peers;
  peers.open(server.endpoint(), connections);
  if (!server.counters()) throw std::runtime_error("the server doesn't report its counters");
  return server.counters_by_worker().at("accepted");
}

double most_over_mean(const std::vector<std::uint64_t>& dealt) {
  const std::uint64_t sum = std::accumulate(dealt.begin(), dealt.end(), std::uint64_t{0});
  return double(std::ranges::max(dealt)) * double(dealt.size()) / double(sum);
}

double chi_squared(const std::vector<std::uint64_t>& dealt) {
  const double expected = double(many) / double(dealt.size());
  double sum = 0;
  for (const std::uint64_t count : dealt) {
    sum += (double(count) - expected) * (double(count) - expected) / expected;
  }
  return sum;
}

void observe(Laboratory& laboratory, Evidence& evidence) {
  const Bench bench(laboratory);
  std::vector<double> of_few;
  std::vector<double> of_many;
  double off = 0;
  bench.in_turn(2, [&](std::size_t i) {
    laboratory.progress("dealing connections");
    if (i == 0) {
      of_few.push_back(most_over_mean(deal(laboratory, few)));
    } else {
      const std::vector<std::uint64_t> dealt = deal(laboratory, many);
      of_many.push_back(most_over_mean(dealt));
      off += chi_squared(dealt);
    }
  });
  evidence.measure("most_over_mean_few",
                   fmt::format("busiest of {} loops over the mean, {} connections", loops, few),
                   of_few);
  evidence.measure("most_over_mean_many", fmt::format("the same with {} connections", many),
                   of_many);
  evidence.note("chi_squared", "chi squared of these against even shares, 27 degrees of freedom",
                off);
}

Finding decide(const Evidence& evidence) {
  const double in_few = evidence.value("most_over_mean_few");
  const MedianInterval in_many = evidence.interval("most_over_mean_many");
  const std::string seen =
      fmt::format("of {} connections the busiest of {} loops got {} times the mean, of {} {}", many,
                  loops, reader_number(in_many.median), few, reader_number(in_few));
  // A fair die exceeds this once in a thousand: 99.9 % of chi squared with 27 degrees.
  constexpr double fair = 55.5;
  if (evidence.value("chi_squared") > fair || surely_above(in_many, material)) {
    return {Verdict::refuted, seen + ": not even as a fair die deals"};
  }
  if (!surely_below(in_many, material)) return cannot_tell(seen);
  if (in_few <= material) return {Verdict::holds, seen};
  return {Verdict::holds_within_limits,
          seen + ": as a fair die deals, even where there are many, and by number, not by work"};
}

}  // namespace reuseport_balances_claim

Claim reuseport_balances() {
  return {
      .id = "reuseport-balances",
      .sentence = "SO_REUSEPORT spreads connections evenly",
      .sources = "folklore",
      .method =
          "twelve and two thousand connections to four loops with a listener each, nine times in "
          "turn, and what each loop accepted by its own count",
      .decision =
          "even is a busiest loop with at most a tenth more than the mean. It holds when both "
          "are, within limits when only the two thousand are, and is refuted when these aren't or "
          "are further from even shares than a fair die is once in a thousand times",
      .observe = reuseport_balances_claim::observe,
      .decide = reuseport_balances_claim::decide};
}

}  // namespace echomux::claims
