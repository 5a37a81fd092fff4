#pragma once

#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

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
struct Investigation {
  std::string started;  // ISO 8601, UTC
  std::vector<std::string> command;
  Build build;
  Machine machine;
  std::vector<Tested> tested = {};
};

// Runs the experiment and decides. An experiment that can't be set up or can't be decided makes
// the claim not testable here, and the finding says why. Never throws for what an experiment does.
[[nodiscard]] Tested put_to_the_test(const Claim& claim, Laboratory& laboratory);

// The finding that follows from this evidence; never throws.
[[nodiscard]] Finding decide(const Claim& claim, const Evidence& evidence);

// One claim for a reader: the sentence, who says it, what was done and seen, and the verdict. With
// `working`, also all of the evidence and what decides.
[[nodiscard]] std::string in_words(const Tested& tested, bool working);

// How many claims came to which verdict, in a sentence.
[[nodiscard]] std::string summary(std::span<const Tested> tested);

// The table of claims/README.md, in Markdown.
[[nodiscard]] std::string ledger(const Investigation& investigation);

[[nodiscard]] Json to_json(const Investigation& investigation);

// What to_json was given, with each verdict decided anew from the evidence that was kept. Throws
// std::runtime_error with a sentence for the user when it is no such file, or names a claim that
// there isn't.
[[nodiscard]] Investigation investigation_from(const Json& json);

}  // namespace echomux::claims
