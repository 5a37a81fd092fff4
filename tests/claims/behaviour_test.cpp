// The sentences about behaviour: what each decides from evidence of every kind, and that its
// experiment really brings such evidence.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "claims/investigation.hpp"
#include "tests/claims/behaviour_cases.hpp"

namespace echomux::claims {
namespace {

using enum Verdict;
using Case = BehaviourCase;

std::vector<Case> all_cases() {
  std::vector<Case> all = reporting_cases();
  for (Case& one : call_cases()) all.push_back(std::move(one));
  return all;
}

const Claim& claim_named(const std::string& id) {
  const auto found = std::ranges::find(claims(), id, &Claim::id);
  if (found == claims().end()) throw std::out_of_range("no claim " + id);
  return *found;
}

Evidence evidence_of(const Values& values) {
  Evidence evidence;
  for (const auto& [name, value] : values) evidence.note(name, "as in a test", value);
  return evidence;
}

class Behaviour : public ::testing::TestWithParam<Case> {};

TEST_P(Behaviour, FollowsFromTheEvidence) {
  const Case& one = GetParam();
  const Claim& claim = claim_named(one.id);
  const Finding finding = claim.decide(evidence_of(one.evidence));
  EXPECT_EQ(finding.verdict, one.verdict) << finding.because;
  EXPECT_FALSE(finding.because.empty());
  std::set<Verdict> verdicts{finding.verdict};
  for (const Case::Variant& variant : one.variants) {
    Values values = one.evidence;
    std::string changes;
    for (const auto& [name, value] : variant.changed) {
      ASSERT_TRUE(values.contains(name)) << name;
      values[name] = value;
      changes += name + " = " + std::to_string(value) + " ";
    }
    const Finding other = decide(claim, evidence_of(values));
    EXPECT_EQ(other.verdict, variant.verdict) << changes << ": " << other.because;
    EXPECT_FALSE(other.because.empty()) << changes;
    if (other.verdict != not_testable_here) verdicts.insert(other.verdict);
  }
  EXPECT_GE(verdicts.size(), 2U) << "it can only come out in one way";
  EXPECT_EQ(decide(claim, Evidence()).verdict, not_testable_here);
}

TEST_P(Behaviour, IsReallyObserved) {
  const Case& one = GetParam();
  const Claim& claim = claim_named(one.id);
  Laboratory laboratory;
  laboratory.program = ECHOMUX_PROGRAM;
  Evidence evidence;
  claim.observe(laboratory, evidence);
  for (const auto& [name, value] : one.evidence) {
    EXPECT_TRUE(evidence.has(name)) << name << " is in the tests, but not observed";
  }
  for (const Observation& observation : evidence.observations()) {
    EXPECT_TRUE(one.evidence.contains(observation.name)) << observation.name << " is in no test";
    EXPECT_FALSE(observation.what.empty()) << observation.name;
  }
  const Finding finding = claim.decide(evidence);
  EXPECT_NE(finding.verdict, not_testable_here) << finding.because;
  EXPECT_NE(finding.verdict, not_yet_tested) << finding.because;
}

INSTANTIATE_TEST_SUITE_P(Claims, Behaviour, ::testing::ValuesIn(all_cases()), [](const auto& test) {
  std::string name = test.param.id;
  std::ranges::replace(name, '-', '_');
  return name;
});

TEST(BehaviourClaims, SayWhatTheyNeedWhereTheyCannotBeTestedYet) {
  for (const char* id : {"reactor-workers", "coroutines-cheap"}) {
    const Finding finding = claim_named(id).decide({});
    EXPECT_EQ(finding.verdict, not_yet_tested) << id;
    EXPECT_NE(finding.because.find("server"), std::string::npos) << id;
  }
}

}  // namespace
}  // namespace echomux::claims
