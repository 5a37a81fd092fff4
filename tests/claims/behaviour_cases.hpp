#pragma once

#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "claims/claim.hpp"

namespace echomux::claims {

// Evidence, by name.
using Values = std::map<std::string, double>;

// A sentence about behaviour, with evidence as its experiment brings it and the verdict from that.
struct BehaviourCase {
  // What is different in the evidence, and the verdict then.
  struct Variant {
    Values changed;
    Verdict verdict;
  };

  std::string id;
  Values evidence;  // every name that the experiment observes
  Verdict verdict;
  std::vector<Variant> variants;
};

// How GoogleTest names one.
inline void PrintTo(const BehaviourCase& one, std::ostream* out) {
  *out << one.id;
}

[[nodiscard]] std::vector<BehaviourCase> reporting_cases();
[[nodiscard]] std::vector<BehaviourCase> call_cases();

}  // namespace echomux::claims
