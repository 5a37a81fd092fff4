// What each claim's rules decide from evidence of every kind, made up for it in behaviour.txt and
// cost.txt, and that the tests of those about behaviour really bring such evidence.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "claims/claims_run.hpp"
#include "claims/measurements.hpp"
#include "claims/rules.hpp"
#include "harness/machine/cpu.hpp"
#include "tests/support/network_namespace.hpp"

namespace echomux::claims {
namespace {

using enum Verdict;

// A claim, with evidence as its test brings it and what follows from that.
struct VerdictCase {
  // What is different in the evidence, and the verdict then.
  struct Variant {
    std::map<std::string, double> changed;
    std::set<std::string> unsteady;  // what was measured, and came out otherwise in each round
    std::string verdict;
    std::string text;
  };
  std::string id;
  bool measured;                           // in rounds; else each value was noted once
  std::map<std::string, double> evidence;  // every name that the test brings
  std::vector<Variant> variants;           // the first is the evidence as it is
};

// How GoogleTest names one.
void PrintTo(const VerdictCase& one, std::ostream* out) {
  *out << one.id;
}

// Nine rounds around a median that agree within two per cent, or that don't agree at all.
std::vector<double> nine_rounds(double median, bool unsteady) {
  std::vector<double> factors{0.98, 1.02, 1.0, 0.99, 1.01, 1.0, 1.015, 0.985, 1.0};
  if (unsteady) factors = {0.05, 0.1, 0.2, 0.4, 1.0, 3.0, 9.0, 20.0, 40.0};
  for (double& factor : factors) factor *= median;
  return factors;
}

// Throws std::out_of_range when the variant changes what isn't there.
Evidence evidence_of(const VerdictCase& one, const VerdictCase::Variant& variant) {
  std::map<std::string, double> values = one.evidence;
  for (const auto& [name, other] : variant.changed) values.at(name) = other;
  Evidence all;
  for (const auto& [name, median] : values) {
    if (one.measured) {
      all.measure(name, "as in a test", nine_rounds(median, variant.unsteady.contains(name)));
    } else {
      all.note(name, "as in a test", median);
    }
  }
  return all;
}

// A case begins with a line that isn't indented, the claim's name. Then come the names of its
// evidence with their values, as "name=value", and the verdict, as "-> holds"; then changes to
// these values, each time up to the verdict that they make. "~name" makes a measured value
// unsteady. A value is a bound as in a rule.
std::vector<VerdictCase> read_cases(const char* file, bool measured) {
  std::vector<VerdictCase> cases;
  std::ifstream lines(std::string(CLAIM_CASES) + "/" + file);
  VerdictCase::Variant next;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    if (!line.empty() && line.front() != ' ') {
      cases.push_back({line, measured, {}, {}});
      continue;
    }
    for (std::string word; words >> word;) {
      VerdictCase& one = cases.back();
      next.text += word + " ";
      if (word == "->") {
        words >> next.verdict;
        std::ranges::replace(next.verdict, '_', ' ');
        if (one.variants.empty()) one.evidence = std::exchange(next.changed, {});
        one.variants.push_back(std::exchange(next, {}));
      } else if (word.starts_with('~')) {
        next.unsteady.insert(word.substr(1));
      } else {
        const std::size_t equals = word.find('=');
        next.changed[word.substr(0, equals)] = bound_value(word.substr(equals + 1));
      }
    }
  }
  if (cases.empty() || !next.changed.empty()) throw std::invalid_argument(file);
  return cases;
}

std::vector<VerdictCase> behaviour() {
  return read_cases("behaviour.txt", false);
}
std::vector<VerdictCase> cost() {
  return read_cases("cost.txt", true);
}

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
    SCOPED_TRACE(variant.text);
    // From complete evidence there is always a decision: nothing is thrown.
    const Finding finding = follow_rules(claim, evidence_of(one, variant));
    EXPECT_EQ(to_string(finding.verdict), variant.verdict) << finding.because;
    EXPECT_FALSE(finding.because.empty());
    if (finding.verdict != not_testable_here) verdicts.insert(finding.verdict);
  }
  EXPECT_GE(verdicts.size(), 2U) << "it can only come out in one way";
  EXPECT_EQ(decide(claim, Evidence()).verdict, not_testable_here);
}

INSTANTIATE_TEST_SUITE_P(Behaviour, ClaimVerdict, ::testing::ValuesIn(behaviour()), test_name);
INSTANTIATE_TEST_SUITE_P(Cost, ClaimVerdict, ::testing::ValuesIn(cost()), test_name);

TEST(ClaimVerdicts, AreTriedOfEveryClaim) {
  EXPECT_EQ(behaviour().size() + cost().size(), claims().size());
}

class BehaviourTest : public ::testing::TestWithParam<VerdictCase> {};

TEST_P(BehaviourTest, ReallyObservesIt) {
  const VerdictCase& one = GetParam();
  const Claim& claim = claim_named(one.id);
  // In a network of its own, where other tests fill no table of the kernel's.
  std::optional<NetworkNamespace> network;
  if (NetworkNamespace::why_not().empty()) network.emplace();
  Context context;
  context.program = ECHOMUX_PROGRAM;
  Evidence evidence;
  claim.observe(context, evidence);
  for (const auto& [name, value] : one.evidence) {
    EXPECT_TRUE(evidence.has(name)) << name << " is in the tests, but not observed";
  }
  for (const Observation& observation : evidence.observations()) {
    EXPECT_TRUE(one.evidence.contains(observation.name)) << observation.name << " is in no test";
    EXPECT_FALSE(observation.what.empty()) << observation.name;
  }
  const Finding finding = follow_rules(claim, evidence);
  EXPECT_NE(finding.verdict, not_testable_here) << finding.because;
}

INSTANTIATE_TEST_SUITE_P(Claims, BehaviourTest, ::testing::ValuesIn(behaviour()), test_name);

TEST(CostClaims, AreNotDecidedWithoutAnyOneOfTheirObservations) {
  for (const VerdictCase& one : cost()) {
    for (const auto& [name, value] : one.evidence) {
      // A library that isn't built here is left out.
      if (one.id == "library-free" && name != "cpu_us_floor") continue;
      VerdictCase rest = one;
      rest.evidence.erase(name);
      EXPECT_THROW(static_cast<void>(follow_rules(claim_named(one.id), evidence_of(rest, {}))),
                   std::out_of_range)
          << one.id << " without " << name;
    }
  }
}

TEST(CostClaims, SharedMeasurementsAreMadeOnceUnlessTheyFail) {
  int times_measured = 0;
  Context context;
  const auto measure = [&](Evidence& evidence) {
    if (++times_measured == 1) throw std::runtime_error("not now");
    evidence.note("figure", "a figure", 7);
  };
  EXPECT_THROW(shared_measurement(context, "one", measure), std::runtime_error);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(shared_measurement(context, "one", measure).value("figure"), 7);
  }
  EXPECT_EQ(times_measured, 2);
}

TEST(CostClaims, AreLeftWhenAskedToStopAndGiveTheCpusBack) {
  const std::vector<int> cpus = usable_cpus();
  std::stop_source stop;
  stop.request_stop();
  Context context;
  context.stop = stop.get_token();
  Evidence evidence;
  EXPECT_THROW(claim_named("interest-flip").observe(context, evidence), std::runtime_error);
  EXPECT_EQ(usable_cpus(), cpus);
}

// For real: the one that measures nothing.
TEST(CostClaims, EpollSharesNoMemoryWithItsUser) {
  Context context;
  EXPECT_EQ(test_claim(claim_named("epoll-mmap"), context).finding.verdict, refuted);
}

TEST(CostClaims, SayTheirLoads) {
  const std::string method = method_in_words(claim_named("busy-poll-waste"));
  EXPECT_NE(method.find("In 9 rounds in turn: 10 active, 64 bytes, beside 10 idle"),
            std::string::npos)
      << method;
}

}  // namespace
}  // namespace echomux::claims
