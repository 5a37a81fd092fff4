// What each sentence decides from evidence of every kind, made up for it, and that the experiments
// of those about behaviour really bring such evidence.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <set>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

#include "claims/all_claims.hpp"
#include "claims/investigation.hpp"
#include "claims/support/comparison.hpp"
#include "claims/support/shared.hpp"
#include "harness/machine/cpu.hpp"
#include "tests/claims/verdict_cases.hpp"
#include "tests/support/network_namespace.hpp"

namespace echomux::claims {
namespace {

using enum Verdict;

const Claim& claim_named(const std::string& id) {
  const auto found = std::ranges::find(claims(), id, &Claim::id);
  if (found == claims().end()) throw std::out_of_range("no claim " + id);
  return *found;
}

std::string test_name(const ::testing::TestParamInfo<VerdictCase>& test) {
  std::string name = test.param.id;
  std::ranges::replace(name, '-', '_');
  return name;
}

class ClaimVerdict : public ::testing::TestWithParam<VerdictCase> {};

TEST_P(ClaimVerdict, FollowsFromTheEvidence) {
  const VerdictCase& one = GetParam();
  const Claim& claim = claim_named(one.id);
  std::set<Verdict> verdicts;
  for (const VerdictCase::Variant& variant : one.variants) {
    std::string trace = "with";
    for (const auto& [name, value] : variant.changed) {
      trace += " " + name + "=" + std::to_string(value);
    }
    for (const std::string& name : variant.unsteady) trace += " ~" + name;
    SCOPED_TRACE(trace);
    const Evidence evidence = one.evidence_of(variant);
    // From measurements there must always be a decision. Something that didn't happen may leave
    // nothing to decide from, which `decide` throws and decide() turns into a verdict.
    const Finding finding = one.measured ? claim.decide(evidence) : decide(claim, evidence);
    EXPECT_EQ(finding.verdict, variant.verdict) << finding.because;
    EXPECT_FALSE(finding.because.empty());
    if (finding.verdict != not_testable_here) verdicts.insert(finding.verdict);
  }
  EXPECT_GE(verdicts.size(), 2U) << "it can only come out in one way";
  EXPECT_EQ(decide(claim, Evidence()).verdict, not_testable_here);
}

INSTANTIATE_TEST_SUITE_P(Behaviour, ClaimVerdict, ::testing::ValuesIn(behaviour_cases()),
                         test_name);
INSTANTIATE_TEST_SUITE_P(Cost, ClaimVerdict, ::testing::ValuesIn(cost_cases()), test_name);

class BehaviourExperiment : public ::testing::TestWithParam<VerdictCase> {};

TEST_P(BehaviourExperiment, IsReallyObserved) {
  const VerdictCase& one = GetParam();
  const Claim& claim = claim_named(one.id);
  // In a network of its own, where other tests fill no table of the kernel's.
  std::optional<NetworkNamespace> network;
  if (NetworkNamespace::why_not().empty()) network.emplace();
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
}

INSTANTIATE_TEST_SUITE_P(Claims, BehaviourExperiment, ::testing::ValuesIn(behaviour_cases()),
                         test_name);

TEST(CostClaims, AreNotDecidedWithoutAnyOneOfTheirObservations) {
  for (const VerdictCase& one : cost_cases()) {
    for (const auto& [name, value] : one.evidence) {
      VerdictCase rest = one;
      rest.evidence.erase(name);
      EXPECT_THROW(static_cast<void>(claim_named(one.id).decide(rest.evidence_of({}))),
                   std::out_of_range)
          << one.id << " without " << name;
    }
  }
}

TEST(CostClaims, AFewRoundsNeverDecideByARatio) {
  const std::vector<VerdictCase> cases = cost_cases();
  Evidence evidence;
  for (const auto& [name, value] :
       std::ranges::find(cases, "reconnect-cost", &VerdictCase::id)->evidence) {
    evidence.measure(name, name, {value, value, value});
  }
  EXPECT_EQ(reconnect_cost().decide(evidence).verdict, not_testable_here);
}

TEST(CostClaims, SharedMeasurementsAreMadeOnceUnlessTheyFail) {
  static int times_measured = 0;
  Laboratory laboratory;
  const auto measure = [](Laboratory&, Evidence& evidence) {
    if (++times_measured == 1) throw std::runtime_error("not now");
    evidence.note("figure", "a figure", 7);
  };
  EXPECT_THROW(shared_measurement(laboratory, "one", measure), std::runtime_error);
  for (int i = 0; i < 3; ++i) {
    Evidence evidence;
    keep(evidence, shared_measurement(laboratory, "one", measure), {"figure"});
    EXPECT_EQ(evidence.value("figure"), 7);
  }
  EXPECT_EQ(times_measured, 2);
  Evidence evidence;
  EXPECT_THROW(keep(evidence, laboratory.shared.at("one"), {"another"}), std::out_of_range);
}

TEST(CostClaims, StandingNeedsTheIntervalAndTheSize) {
  const auto between = [](double low, double median, double high) {
    return standing({.median = median, .bounds = MedianInterval::Bounds{low, high}}, 1.5);
  };
  EXPECT_EQ(between(1.01, 1.5, 2), Standing::dearer);
  EXPECT_EQ(between(0.99, 1.5, 2), Standing::unclear);
  EXPECT_EQ(between(1.01, 1.49, 2), Standing::unclear);
  EXPECT_EQ(between(1.01, 1.2, 1.49), Standing::alike);
  EXPECT_EQ(between(0.67, 1, 1.49), Standing::alike);
  EXPECT_EQ(between(0.5, 0.66, 0.99), Standing::cheaper);
  EXPECT_EQ(standing({.median = 9, .bounds = std::nullopt}, 1.5), Standing::unclear);
}

TEST(CostClaims, AreLeftWhenAskedToStopAndGiveTheCpusBack) {
  const std::vector<int> cpus = usable_cpus();
  std::stop_source stop;
  stop.request_stop();
  Laboratory laboratory;
  laboratory.stop = stop.get_token();
  Evidence evidence;
  EXPECT_THROW(interest_flip().observe(laboratory, evidence), std::runtime_error);
  EXPECT_EQ(usable_cpus(), cpus);
}

// For real: the one that measures nothing.
TEST(CostClaims, EpollSharesNoMemoryWithItsUser) {
  Laboratory laboratory;
  Evidence evidence;
  epoll_mmap().observe(laboratory, evidence);
  EXPECT_EQ(epoll_mmap().decide(evidence).verdict, refuted);
}

}  // namespace
}  // namespace echomux::claims
