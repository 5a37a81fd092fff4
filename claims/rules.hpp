#pragma once

#include "claims/claim.hpp"

// How a verdict follows from evidence. A claim's `rules` are lines like these:
//
//   refuted if pipe_left or tcp_left: plain data was left behind
//   holds if all (poll,select)cpu_us_@_many/cpu_us_epoll_lt_many clearly above 2: it costs less
//   limits else: it is less, but not half
//
// The first rule whose condition is met gives the verdict and the reason. Where none is met, the
// claim is not testable here, since an interval allows for both answers. Verdicts: holds, limits,
// refuted, untestable. "or" joins parts that "and" has joined.
//
//   X               X isn't zero. X is an observation, or the ratio A/B of two, round by round
//   X = 0           also != < <= > >=; of a measurement, the median counts
//   X has in+hup    of reported events; X lacks hup
//   X surely above  the whole 95 % interval is above this bound; surely below
//   X surely within the whole interval is between the bound and what 1 divided by it is
//   X clearly above the interval is above 1 and the median at least this bound; clearly below
//   X clearly off   clearly above the bound, or clearly below 1 divided by it
//   X known         it was observed
//   not …           a part turned round
//   all (a,b)X_@ …  the part is met for X_a and X_b; any …
//   all ~(a,b)X_@ … the same for those that were observed
//
// A bound is a number, a fraction, an errno, one of epoll's events or several with "+" between
// them, or an observation.
namespace echomux::claims {

// The number that such a bound stands for, without observations. Throws std::invalid_argument.
[[nodiscard]] double bound_value(std::string_view text);

struct Rule {
  Verdict verdict;
  std::string condition;  // empty: always
  std::string reason;
};
// Throws std::invalid_argument for lines that are no rules.
[[nodiscard]] std::vector<Rule> parse_rules(std::string_view rules);
// Whether the evidence meets a condition. Throws std::out_of_range for what was not observed, and
// std::invalid_argument for what is no condition.
[[nodiscard]] bool meets(std::string_view condition, const Evidence& evidence);

// A figure for the reader.
struct Figure {
  std::string what;
  std::string value;
};
// What `shows` lists, with blanks between its entries: X for an observation, A/B for a ratio, X?
// for a yes or no, ~X for what need not have been observed, (a,b)X_@ for X_a and X_b. Throws
// std::out_of_range when one was not observed, and leaves it out with `partly`.
[[nodiscard]] std::vector<Figure> figures(const Claim& claim, const Evidence& evidence,
                                          bool partly = false);
// The names of all observations in `shows`.
[[nodiscard]] std::vector<std::string> names_shown(const Claim& claim);
// One observation of a test's working.
[[nodiscard]] Figure figure(const Observation& observation);

// The finding that follows from the evidence. Throws std::out_of_range when some of it is missing.
[[nodiscard]] Finding follow_rules(const Claim& claim, const Evidence& evidence);

}  // namespace echomux::claims
