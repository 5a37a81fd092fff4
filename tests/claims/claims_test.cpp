// What all claims share: evidence, rules, the way to a verdict, and what is kept of both.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "claims/claims_run.hpp"
#include "claims/rules.hpp"
#include "harness/text/json.hpp"
#include "tests/support/complaint.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary_directory.hpp"

namespace echomux::claims {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ClaimEvidence, GivesWhatWasObservedAndRefusesTheRest) {
  Evidence evidence;
  evidence.note("once", "level-triggered, it is reported again", 1);
  evidence.measure("poll_us", "a wait", {4, 2, 3, 1, 5, 6, 7});
  evidence.measure("epoll_us", "a wait", {2, 1, 1, 1, 5, 6, 7});
  EXPECT_TRUE(evidence.yes("once"));
  EXPECT_EQ(evidence.value("poll_us"), 4);
  ASSERT_TRUE(evidence.interval("poll_us").bounds);
  EXPECT_EQ(evidence.interval("poll_us").bounds->low, 1);
  EXPECT_EQ(evidence.interval("poll_us").bounds->high, 7);
  EXPECT_EQ(evidence.ratio("poll_us", "epoll_us").median, 1);
  EXPECT_FALSE(evidence.has("wait_ns"));
  EXPECT_THROW(static_cast<void>(evidence.ratio("poll_us", "once")), std::out_of_range);
  EXPECT_THROW(static_cast<void>(evidence.value("never")), std::out_of_range);
  EXPECT_THROW(evidence.note("once", "", 2), std::logic_error);
  EXPECT_THROW(evidence.measure("empty", "", {}), std::logic_error);
}

TEST(ClaimRules, CompareWhatWasObserved) {
  Evidence evidence;
  evidence.note("edges", "edges", 2);
  evidence.note("none", "nothing", 0);
  evidence.note("told", "events", bound_value("in+hup"));
  evidence.note("failed", "errno", -bound_value("EAGAIN"));
  evidence.note("limit", "a limit", 2);
  for (const char* const met :
       {"", "edges", "not none", "edges = 2 and none = 0", "edges = 3 or none <= 0", "told has hup",
        "told lacks rdhup", "failed = -EAGAIN", "edges >= limit", "all (edges,limit)@ > 1/1.5",
        "any (none,edges)@", "not all (none,edges)@", "not more known", "all ~(more,edges)@ = 2"}) {
    EXPECT_TRUE(meets(met, evidence)) << met;
  }
  for (const char* const not_met : {"none", "not edges", "edges = 2 and none", "told has in+rdhup",
                                    "edges != limit", "all (none,edges)@", "any ~(more)@"}) {
    EXPECT_FALSE(meets(not_met, evidence)) << not_met;
  }
  EXPECT_THROW(static_cast<void>(meets("more", evidence)), std::out_of_range);
  EXPECT_THROW(static_cast<void>(meets("edges = more", evidence)), std::out_of_range);
  for (const char* const wrong : {"edges ~ 2", "(edges", "edges nearly above 2"}) {
    EXPECT_THROW(static_cast<void>(meets(wrong, evidence)), std::invalid_argument) << wrong;
  }
  EXPECT_THROW(static_cast<void>(parse_rules("refuted none: without an if")),
               std::invalid_argument);
}

TEST(ClaimRules, NeedTheIntervalAndTheSize) {
  const auto holds = [](const char* condition, double low, double middle, double high) {
    Evidence evidence;
    evidence.measure("x", "", {low, low, middle, middle, middle, high, high});
    return meets(condition, evidence);
  };
  EXPECT_TRUE(holds("x clearly above 1.5", 1.01, 1.5, 2));
  EXPECT_FALSE(holds("x clearly above 1.5", 0.99, 1.5, 2));
  EXPECT_FALSE(holds("x clearly above 1.5", 1.01, 1.49, 2));
  EXPECT_TRUE(holds("x clearly below 1/1.5", 0.5, 0.66, 0.99));
  EXPECT_TRUE(holds("x clearly off 1.5", 0.5, 0.66, 0.99));
  EXPECT_TRUE(holds("x surely within 1.5", 0.67, 1, 1.49));
  EXPECT_FALSE(holds("x surely within 1.5", 0.66, 1, 1.49));
  EXPECT_TRUE(holds("x surely above 1.5", 1.51, 1.6, 2));
  EXPECT_FALSE(holds("x surely above 1.5", 1.49, 1.6, 2));
  Evidence few;
  few.measure("x", "", {9, 9, 9});
  EXPECT_FALSE(meets("x surely above 1.5 or x clearly above 1.5", few));
}

Claim threshold_claim() {
  Claim claim;
  claim.id = "idle-scaling";
  claim.shows = "count";
  claim.rules = "holds if count > 10: it is many\nrefuted else: it is few";
  claim.observe = [](Context&, Evidence& evidence) {
    evidence.note("count", "counted", 11);
    evidence.note("aside", "seen beside it", 1);
  };
  return claim;
}

TEST(ClaimTested, FollowsFromTheEvidence) {
  Context context;
  const Claim claim = threshold_claim();
  const Tested tested = test_claim(claim, context);
  EXPECT_EQ(tested.finding.verdict, Verdict::holds);
  EXPECT_EQ(tested.finding.because, "it is many");
  Evidence other;
  other.note("count", "counted", 10);
  EXPECT_EQ(decide(claim, other).verdict, Verdict::refuted);
  EXPECT_THAT(in_words(tested, false), HasSubstr("counted: 11"));
  EXPECT_THAT(in_words(tested, true), HasSubstr("seen beside it"));
  EXPECT_THAT(in_words(tested, true), HasSubstr("holds if count > 10: it is many"));
  EXPECT_THAT(in_words(tested, false), Not(HasSubstr("seen beside it")));
}

TEST(ClaimTested, IsNotTestableWhereItsTestFails) {
  Context context;
  Claim claim = threshold_claim();
  claim.observe = [](Context&, Evidence&) { throw std::runtime_error("out of descriptors"); };
  const Tested tested = test_claim(claim, context);
  EXPECT_EQ(tested.finding.verdict, Verdict::not_testable_here);
  EXPECT_THAT(tested.finding.because, HasSubstr("out of descriptors"));
  EXPECT_EQ(decide(claim, Evidence()).verdict, Verdict::not_testable_here);
}

TEST(ClaimFigures, SayRatiosEventsAndErrors) {
  Claim claim;
  claim.shows = "(a,b)us_@/us_c told last_errno yes? ~never";
  Evidence evidence;
  evidence.note("us_a", "CPU of poll, 10 watched", 6);
  evidence.note("us_b", "CPU of select, 10 watched", 3);
  evidence.note("us_c", "CPU of epoll, 10 watched", 2);
  evidence.note("told", "a close: EPOLLIN|EPOLLHUP", bound_value("in+hup"));
  evidence.note("last_errno", "errno of the last", bound_value("EMFILE"));
  evidence.note("yes", "it came", 1);
  std::string all;
  for (const Figure& one : figures(claim, evidence)) all += one.what + "=" + one.value + "\n";
  EXPECT_EQ(all,
            "CPU of poll ÷ epoll, 10 watched=3 times\nCPU of select ÷ epoll, 10 watched=1.5 times\n"
            "a close=EPOLLIN|EPOLLHUP\nerrno of the last=EMFILE\nit came=yes\n");
}

TEST(Claims, HaveNamesOfTheirOwnAndAllTheirParts) {
  std::set<std::string> ids;
  for (const Claim& claim : claims()) {
    EXPECT_TRUE(ids.insert(claim.id).second) << claim.id;
    EXPECT_FALSE(claim.sentence.empty()) << claim.id;
    EXPECT_FALSE(claim.sources.empty()) << claim.id;
    EXPECT_FALSE(claim.method.empty()) << claim.id;
    EXPECT_FALSE(claim.shows.empty()) << claim.id;
    EXPECT_GE(parse_rules(claim.rules).size(), 2U) << claim.id;
    EXPECT_TRUE(claim.observe != nullptr || !claim.measures.empty()) << claim.id;
  }
  for (const char* const wrong :
       {"# x\nno colon here", "s: a source\n  shows x", "# x\nid: s\n  said y"}) {
    EXPECT_THROW(static_cast<void>(read_claims(wrong)), std::invalid_argument) << wrong;
  }
}

TEST(ClaimsFile, GivesBackWhatWasKeptAndDecidesAnew) {
  ClaimsRun run;
  run.started = "2026-01-31T12:00:00Z";
  const Claim& kept = claims().back();
  run.tested.push_back({&kept, {}, decide(kept, {}), 1});
  Json json = to_json(run);
  EXPECT_EQ(to_json(claims_run_from(json)), json);
  EXPECT_THAT(ledger(claims_run_from(json)), HasSubstr("**not testable here**"));
  // A verdict that doesn't follow from its evidence isn't believed.
  json["claims"][0]["verdict"] = "holds";
  EXPECT_EQ(claims_run_from(json).tested[0].finding.verdict, Verdict::not_testable_here);
}

TEST(ClaimsFile, SaysWhatIsWrongWithAFile) {
  Json json = to_json(ClaimsRun{});
  json["claims"].push_back({{"id", "no-such"}});
  const auto message = [](const Json& broken) {
    return complaint([&] { return claims_run_from(broken); });
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
  EXPECT_THAT(table.out, HasSubstr("[short-read-is-drained](edges.md#short-read-is-drained)"));
  const Finished page = run_program({"claims", "--ledger", file, "--theme", "edges"});
  EXPECT_EQ(page.status, 0);
  EXPECT_THAT(page.out, HasSubstr("## short-read-is-drained"));
  EXPECT_THAT(run_program({"claims", "--ledger", file, "--theme", "cost"}).out, "");
  const Finished json = run_program({"claims", "short-read-is-drained", "--json"});
  EXPECT_EQ(Json::parse(json.out).at("claims").size(), 1U);
}

TEST(ClaimsCommand, SaysWhatIsWrong) {
  const Finished unknown = run_program({"claims", "no-such"});
  EXPECT_EQ(unknown.status, 2);
  EXPECT_THAT(unknown.err, HasSubstr("echomux claims --list"));
  EXPECT_EQ(run_program({"claims", "--ledger", "/dev/null"}).status, 1);
  EXPECT_EQ(run_program({"claims", "--ledger", "/nowhere"}).status, 1);
  EXPECT_EQ(run_program({"claims", "--ledger", "/nowhere", "--theme", "none"}).status, 2);
  EXPECT_EQ(run_program({"claims", "idle-scaling", "-o", "/dev/null/x"}).status, 1);
  EXPECT_EQ(run_program({"claims", "idle-scaling", "--ledger", "x"}).status, 2);
}

}  // namespace
}  // namespace echomux::claims
