#pragma once

#include <map>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "claims/claim.hpp"

namespace echomux::claims {

// Evidence, by name.
using Values = std::map<std::string, double>;

// A sentence, with evidence as its experiment brings it and what follows from that.
struct VerdictCase {
  // What is different in the evidence, and the verdict then.
  struct Variant {
    Values changed;
    std::set<std::string> unsteady;  // what was measured, and came out otherwise in each round
    Verdict verdict;
  };

  std::string id;
  bool measured;                  // in rounds; else each value was noted once
  Values evidence;                // every name that the experiment brings
  std::vector<Variant> variants;  // the first is the evidence as it is

  // The evidence of a variant. Throws std::out_of_range when it changes what isn't there.
  [[nodiscard]] Evidence evidence_of(const Variant& variant) const;
};

// How GoogleTest names one.
inline void PrintTo(const VerdictCase& one, std::ostream* out) {
  *out << one.id;
}

// The sentences about behaviour, whose experiments note what happens.
[[nodiscard]] std::vector<VerdictCase> behaviour_cases();
// The sentences about cost, whose experiments measure. Theirs is evidence for which the sentence
// holds, or comes as near to that as it can on Linux.
[[nodiscard]] std::vector<VerdictCase> cost_cases();

// Reads a table of cases. A case begins with a line that isn't indented, the sentence's name. Then
// come the names of its evidence with their values, as "name=value", and the verdict, as "->
// holds"; then changes to these values, each time up to the verdict that they make. "~name" makes a
// measured value unsteady. A value is a number, an errno or one of epoll's events, or several
// events with "+" between them. Throws std::exception for any other text.
[[nodiscard]] std::vector<VerdictCase> read_cases(std::string_view table, bool measured);

}  // namespace echomux::claims
