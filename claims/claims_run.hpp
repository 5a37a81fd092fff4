#pragma once

#include "claims/claim.hpp"
#include "harness/machine/build_info.hpp"
#include "harness/machine/machine.hpp"
#include "harness/text/json.hpp"

namespace echomux::claims {

// A claim that has been put to the test.
struct Tested {
  const Claim* claim = nullptr;  // one of claims()
  Evidence evidence;
  Finding finding;
  double seconds = 0;  // that it took
};

// Claims tested in one go, and by what and where.
struct ClaimsRun {
  std::string started;  // ISO 8601, UTC
  std::vector<std::string> command;
  Build build;
  Machine machine;
  std::vector<Tested> tested = {};
};

// Tests the claim and decides. A test that can't be set up or decided makes the claim not testable
// here, and the finding says why. Never throws for what a test does.
[[nodiscard]] Tested test_claim(const Claim& claim, Context& context);

// The finding that follows from this evidence; never throws.
[[nodiscard]] Finding decide(const Claim& claim, const Evidence& evidence);

// How it is tried, with the loads of its measurements.
[[nodiscard]] std::string method_in_words(const Claim& claim);

// One claim for a reader: the sentence, its sources, how it is tried, the figures and the verdict.
// With `working`, also all of the evidence and the rules that decide.
[[nodiscard]] std::string in_words(const Tested& tested, bool working);

// How many claims came to which verdict, in a sentence.
[[nodiscard]] std::string summary(std::span<const Tested> tested);

// The ledger of claims/README.md, in Markdown: a row for each claim, with an anchor of its name.
[[nodiscard]] std::string ledger(const ClaimsRun& run);
// The page of this theme, in Markdown: each claim with its evidence, its method and its rules.
[[nodiscard]] std::string page(const ClaimsRun& run, std::string_view theme);

[[nodiscard]] Json to_json(const ClaimsRun& run);
// What to_json() was given, with each verdict decided anew from the evidence that was kept. Throws
// std::runtime_error with a sentence for the user when it is no such file, or names a claim that
// there isn't.
[[nodiscard]] ClaimsRun claims_run_from(const Json& json);

}  // namespace echomux::claims
