// What all experiments share: evidence, the way from it to a verdict, and what is kept of both.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "claims/investigation.hpp"
#include "harness/text/json.hpp"
#include "tests/support/complaint.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary_directory.hpp"

namespace echomux::claims {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ClaimEvidence, GivesWhatWasNotedAndMeasured) {
  Evidence evidence;
  evidence.note("reported_again", "level-triggered, it is reported again", 1);
  evidence.measure("wait_us", "a wait", {4, 2, 3, 1, 5, 6, 7});
  EXPECT_TRUE(evidence.yes("reported_again"));
  EXPECT_EQ(evidence.value("wait_us"), 4);
  ASSERT_TRUE(evidence.interval("wait_us").bounds);
  EXPECT_EQ(evidence.interval("wait_us").bounds->low, 1);
  EXPECT_EQ(evidence.interval("wait_us").bounds->high, 7);
  EXPECT_TRUE(evidence.has("wait_us"));
  EXPECT_FALSE(evidence.has("wait_ns"));
}

TEST(ClaimEvidence, ComparesRoundByRound) {
  Evidence evidence;
  evidence.measure("poll_us", "", {10, 20, 30});
  evidence.measure("epoll_us", "", {5, 10, 10});
  evidence.measure("select_us", "", {5, 10});
  EXPECT_EQ(evidence.ratio("poll_us", "epoll_us").median, 2);
  EXPECT_THROW(static_cast<void>(evidence.ratio("poll_us", "select_us")), std::out_of_range);
}

TEST(ClaimEvidence, RefusesWhatIsTwiceOrMissing) {
  Evidence evidence;
  evidence.note("once", "", 1);
  EXPECT_THROW(evidence.note("once", "", 2), std::logic_error);
  EXPECT_THROW(evidence.measure("empty", "", {}), std::logic_error);
  EXPECT_THROW(static_cast<void>(evidence.value("never")), std::out_of_range);
}

Claim threshold_claim() {
  return {.id = "idle-scaling",
          .sentence = "a sentence",
          .sources = "000",
          .method = "a method",
          .decision = "more than ten",
          .observe = [](Laboratory&, Evidence& evidence) { evidence.note("count", "counted", 11); },
          .decide =
              [](const Evidence& evidence) {
                return Finding{evidence.value("count") > 10 ? Verdict::holds : Verdict::refuted,
                               "as seen"};
              }};
}

TEST(ClaimTested, FollowsFromTheEvidence) {
  Laboratory laboratory;
  const Claim claim = threshold_claim();
  const Tested tested = put_to_the_test(claim, laboratory);
  EXPECT_EQ(tested.finding.verdict, Verdict::holds);
  Evidence other;
  other.note("count", "counted", 10);
  EXPECT_EQ(decide(claim, other).verdict, Verdict::refuted);
  EXPECT_THAT(in_words(tested, true), HasSubstr("counted"));
  EXPECT_THAT(in_words(tested, false), Not(HasSubstr("counted")));
}

TEST(ClaimTested, IsNotTestableWhereItsExperimentFails) {
  Laboratory laboratory;
  Claim claim = threshold_claim();
  claim.observe = [](Laboratory&, Evidence&) { throw std::runtime_error("out of descriptors"); };
  const Tested tested = put_to_the_test(claim, laboratory);
  EXPECT_EQ(tested.finding.verdict, Verdict::not_testable_here);
  EXPECT_THAT(tested.finding.because, HasSubstr("out of descriptors"));
  EXPECT_EQ(decide(claim, Evidence()).verdict, Verdict::not_testable_here);
}

TEST(Claims, HaveNamesOfTheirOwnAndAllTheirParts) {
  std::set<std::string_view> ids;
  for (const Claim& claim : claims()) {
    EXPECT_TRUE(ids.insert(claim.id).second) << claim.id;
    EXPECT_FALSE(claim.sentence.empty()) << claim.id;
    EXPECT_FALSE(claim.sources.empty()) << claim.id;
    EXPECT_FALSE(claim.method.empty()) << claim.id;
    EXPECT_NE(claim.decide, nullptr) << claim.id;
    EXPECT_FALSE(claim.decision.empty()) << claim.id;
    EXPECT_NE(claim.observe, nullptr) << claim.id;
  }
}

TEST(ClaimsFile, GivesBackWhatWasKeptAndDecidesAnew) {
  Laboratory laboratory;
  Investigation investigation;
  investigation.started = "2026-01-31T12:00:00Z";
  const Claim& kept = claims().back();
  investigation.tested.push_back({&kept, {}, decide(kept, {}), 1});
  Json json = to_json(investigation);
  EXPECT_EQ(to_json(investigation_from(json)), json);
  EXPECT_THAT(ledger(investigation_from(json)), HasSubstr("**not testable here**"));
  // A verdict that doesn't follow from its evidence isn't believed.
  json["claims"][0]["verdict"] = "holds";
  EXPECT_EQ(investigation_from(json).tested[0].finding.verdict, Verdict::not_testable_here);
}

TEST(ClaimsFile, SaysWhatIsWrongWithAFile) {
  Json json = to_json(Investigation{});
  json["claims"].push_back({{"id", "no-such"}});
  const auto message = [](const Json& broken) {
    return complaint([&] { return investigation_from(broken); });
  };
  EXPECT_THAT(message(json), HasSubstr("no claim 'no-such'"));
  EXPECT_THAT(message(Json::object()), HasSubstr("not what 'echomux claims -o' writes"));
  EXPECT_THAT(message(Json::array()), HasSubstr("not what 'echomux claims -o' writes"));
}

TEST(ClaimsCommand, ListsTestsAndKeeps) {
  const Finished list = run_program({"claims", "--list"});
  EXPECT_EQ(list.status, 0);
  EXPECT_THAT(list.out, HasSubstr("lt-again-et-once"));

  const TemporaryDirectory directory;
  const std::string file = directory.path() / "claims.json";
  const Finished one = run_program({"claims", "short-read-is-drained", "-o", file});
  EXPECT_EQ(one.status, 0);
  EXPECT_THAT(one.out, HasSubstr("short-read-is-drained: "));
  const Finished table = run_program({"claims", "--ledger", file});
  EXPECT_EQ(table.status, 0);
  EXPECT_THAT(table.out, HasSubstr("[short-read-is-drained](short_read_is_drained.cpp)"));
  const Finished json = run_program({"claims", "short-read-is-drained", "--json"});
  EXPECT_EQ(Json::parse(json.out).at("claims").size(), 1U);
}

TEST(ClaimsCommand, SaysWhatIsWrong) {
  const Finished unknown = run_program({"claims", "no-such"});
  EXPECT_EQ(unknown.status, 2);
  EXPECT_THAT(unknown.err, HasSubstr("echomux claims --list"));
  EXPECT_EQ(run_program({"claims", "--ledger", "/dev/null"}).status, 1);
  EXPECT_EQ(run_program({"claims", "--ledger", "/nowhere"}).status, 1);
  EXPECT_EQ(run_program({"claims", "idle-scaling", "-o", "/dev/null/x"}).status, 1);
  EXPECT_EQ(run_program({"claims", "idle-scaling", "--ledger", "x"}).status, 2);
}

}  // namespace
}  // namespace echomux::claims
