// The verdicts of the sentences about cost, from evidence made up for each of them.
#include <gmock/gmock.h>

#include <array>
#include <map>
#include <set>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

#include "claims/all_claims.hpp"
#include "claims/support/comparison.hpp"
#include "claims/support/shared.hpp"
#include "harness/machine/cpu.hpp"
#include "tests/claims/cost_cases.hpp"

namespace echomux::claims {
namespace {

TEST(CostClaims, HoldWhereAllEvidenceSpeaksForThem) {
  for (const CostCase& one : all_cost_cases()) {
    EXPECT_EQ(one.with({}), Verdict::holds) << one.claim.id;
  }
}

TEST(CostClaims, AreNotDecidedWithoutAnyOneOfTheirObservations) {
  for (const CostCase& one : all_cost_cases()) {
    for (const auto& [name, value] : one.values) {
      Values rest = one.values;
      rest.erase(name);
      EXPECT_THROW(static_cast<void>(one.claim.decide(evidence_of(rest))), std::out_of_range)
          << one.claim.id << " without " << name;
    }
  }
}

TEST(CostClaims, SayWhatTheyAreAndWhatDecides) {
  for (const CostCase& one : all_cost_cases()) {
    EXPECT_FALSE(one.claim.sentence.empty()) << one.claim.id;
    EXPECT_FALSE(one.claim.sources.empty()) << one.claim.id;
    EXPECT_FALSE(one.claim.method.empty()) << one.claim.id;
    EXPECT_FALSE(one.claim.decision.empty()) << one.claim.id;
    EXPECT_NE(one.claim.observe, nullptr) << one.claim.id;
  }
}

TEST(CostClaims, IdleScaling) {
  const CostCase one = idle_scaling_case();
  EXPECT_EQ(one.with({{"cpu_us_poll_many", 80}, {"cpu_us_select_many", 80}}), Verdict::holds);
  EXPECT_EQ(one.with({{"cpu_us_poll_many", 79}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"cpu_us_poll_many", 40}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"cpu_us_poll_none", 90}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"cpu_us_select_none", 90}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"cpu_us_poll_many", 41}, {"cpu_us_select_many", 39}}), Verdict::refuted);
  EXPECT_EQ(one.with({}, {"cpu_us_epoll_lt_many"}), Verdict::not_testable_here);
}

TEST(CostClaims, FewIdleNoGain) {
  const CostCase one = few_idle_case();
  EXPECT_EQ(one.with({{"cpu_us_poll_none", 59}}), Verdict::holds);
  EXPECT_EQ(one.with({{"cpu_us_poll_none", 61}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"cpu_us_poll_none", 61}, {"cpu_us_select_none", 61}}), Verdict::refuted);
  EXPECT_EQ(one.with({{"cpu_us_poll_few", 51}, {"cpu_us_select_few", 51}}),
            Verdict::holds_within_limits);
  EXPECT_EQ(one.with({}, {"cpu_us_poll_none"}), Verdict::not_testable_here);
}

TEST(CostClaims, AllActive) {
  const CostCase one = all_active_case();
  EXPECT_EQ(one.with({{"cpu_us_poll_at_once", 12.4}}), Verdict::holds);
  EXPECT_EQ(one.with({{"cpu_us_poll_now_and_then", 50}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"cpu_us_poll_at_once", 12.6}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"cpu_us_poll_at_once", 12.6}, {"cpu_us_select_at_once", 12.6}}),
            Verdict::refuted);
  EXPECT_EQ(one.with({}, {"cpu_us_epoll_lt_at_once"}), Verdict::not_testable_here);
  EXPECT_EQ(one.with({}, {"cpu_us_epoll_lt_now_and_then"}), Verdict::not_testable_here);
}

TEST(CostClaims, OrderNOrderK) {
  const CostCase one = order_case();
  EXPECT_EQ(one.with({{"wait_us_poll_1000_1", 14}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"wait_us_epoll_1000_1000", 20}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"wait_us_select_1000_1", 5}}), Verdict::refuted);
  EXPECT_EQ(one.with({{"wait_us_epoll_1000_1", 3}}), Verdict::refuted);
  EXPECT_EQ(one.with({}, {"wait_us_epoll_1000_1"}), Verdict::not_testable_here);
}

TEST(CostClaims, SetCopiedEachCall) {
  const CostCase one = set_copied_case();
  EXPECT_EQ(one.with({{"poll_reads_again", 0}}), Verdict::refuted);
  EXPECT_EQ(one.with({{"poll_share_copied", 0.2}, {"select_share_copied", 0.01}}),
            Verdict::refuted);
  EXPECT_EQ(one.with({{"poll_share_copied", 0.3}, {"select_share_copied", 0.01}}),
            Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"poll_share_copied", 0.5}}), Verdict::not_testable_here);
}

TEST(CostClaims, SelectScansAfter) {
  const CostCase one = select_scans_case();
  EXPECT_EQ(one.with({{"bits_tell_which", 1}}), Verdict::refuted);
  EXPECT_EQ(one.with({{"bits_tell_which", 1}, {"scan_share", 0.3}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"bits_tell_which", 1}, {"scan_share", 0.25}}), Verdict::not_testable_here);
}

TEST(CostClaims, SelectIsPoll) {
  const CostCase one = select_is_poll_case();
  EXPECT_EQ(one.with({{"select_us_high", 1.6}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"hang_up_told_apart", 1}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"wait_us_select_100_1", 5}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"wait_us_select_100_1", 5}, {"wait_us_poll_1000_1", 50}}), Verdict::refuted);
  EXPECT_EQ(one.with({}, {"wait_us_poll_100_1"}), Verdict::not_testable_here);
}

TEST(CostClaims, MemoryBound) {
  const CostCase one = memory_case();
  EXPECT_EQ(one.with({{"refused_by_descriptors", 1}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"kernel_bytes_epoll_lt", 3000}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"kernel_bytes_epoll_lt", 3000}, {"refused_by_descriptors", 1}}),
            Verdict::refuted);
  EXPECT_EQ(one.with({{"kernel_bytes_epoll_lt", -3000}}), Verdict::not_testable_here);
}

TEST(CostClaims, EpollMmap) {
  const CostCase one = mmap_case();
  const Values linux{{"change_seen", 0}, {"mmap_possible", 0}, {"in_maps", 0}, {"wait_faults", 1}};
  EXPECT_EQ(one.with(linux), Verdict::refuted);
  EXPECT_EQ(one.with({{"wait_faults", 1}, {"change_seen", 0}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"reported", 0}}), Verdict::not_testable_here);
  Values blind = linux;
  blind["maps_show_sharing"] = 0;
  EXPECT_EQ(one.with(blind), Verdict::not_testable_here);
}

TEST(CostClaims, CtlTreeCost) {
  const CostCase one = tree_case();
  EXPECT_EQ(one.with({{"change_us_most", 3.1}}), Verdict::holds);
  EXPECT_EQ(one.with({{"change_us_most", 3.3}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"change_us_most", 0.8}, {"us_per_doubling", 0}}),
            Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"change_us_most", 26}}), Verdict::refuted);
  EXPECT_EQ(one.with({}, {"change_us_most"}), Verdict::not_testable_here);
}

TEST(CostClaims, LtIsFastPoll) {
  const CostCase one = fast_poll_case();
  EXPECT_EQ(one.with({{"wait_us_epoll_1_1", 0.6}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"wait_us_epoll_1000_1000", 50}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"wait_us_epoll_1000_1", 25}}), Verdict::refuted);
  EXPECT_EQ(one.with({{"reported_lt", 1}}), Verdict::refuted);
  EXPECT_EQ(one.with({}, {"wait_us_epoll_1_1"}), Verdict::not_testable_here);
}

TEST(CostClaims, EtFaster) {
  const CostCase one = et_case();
  EXPECT_EQ(one.with({{"cpu_us_epoll_et_small", 10}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"cpu_us_epoll_et_large", 1000}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"cpu_us_epoll_et_small", 9.2}, {"cpu_us_epoll_et_large", 1000}}),
            Verdict::refuted);
  EXPECT_EQ(one.with({{"cpu_us_epoll_et_small", 10}}, {"cpu_us_epoll_et_large"}),
            Verdict::not_testable_here);
}

TEST(CostClaims, ThreadsInefficient) {
  const CostCase one = threads_case();
  const Values requests_alike{{"cpu_us_threaded_none", 42}, {"cpu_us_threaded_many", 42}};
  EXPECT_EQ(one.with(requests_alike), Verdict::holds_within_limits);
  Values alike = requests_alike;
  alike["cpu_us_threaded_anew"] = 110;
  alike["cpu_us_threaded_lasting"] = 5;
  EXPECT_EQ(one.with(alike), Verdict::holds_within_limits);
  alike["all_bytes_threaded"] = 9'000;
  EXPECT_EQ(one.with(alike), Verdict::refuted);
  EXPECT_EQ(one.with({{"cpu_us_threaded_anew", 110}, {"all_bytes_threaded", 9'000}}),
            Verdict::holds_within_limits);
  EXPECT_EQ(one.with(alike, {"cpu_us_threaded_none"}), Verdict::not_testable_here);
}

TEST(CostClaims, BusyPollWaste) {
  const CostCase one = busy_poll_case();
  EXPECT_EQ(one.with({{"idle_share_busy_poll", 0.52}}), Verdict::holds);
  EXPECT_EQ(one.with({{"idle_share_busy_poll", 0.4}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"idle_share_epoll_lt", 0.6}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"idle_share_busy_poll", 0.04}}), Verdict::refuted);
  EXPECT_EQ(one.with({}, {"idle_share_busy_poll"}), Verdict::not_testable_here);
}

TEST(CostClaims, ReconnectCost) {
  const CostCase one = reconnect_case();
  EXPECT_EQ(one.with({{"cpu_us_epoll_lt_anew", 20}}), Verdict::holds);
  EXPECT_EQ(one.with({{"cpu_us_epoll_lt_anew", 19}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"cpu_us_epoll_lt_anew_64k", 50}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"cpu_us_epoll_lt_anew", 12}}), Verdict::refuted);
  EXPECT_EQ(one.with({}, {"cpu_us_epoll_lt_anew"}), Verdict::not_testable_here);
}

TEST(CostClaims, InterestFlip) {
  const CostCase one = flip_case();
  EXPECT_EQ(one.with({{"us_flipping_1", 11}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"us_flipping_1", 11}, {"needed_when_full", 0}}), Verdict::refuted);
  EXPECT_EQ(one.with({}, {"us_flipping_50"}), Verdict::not_testable_here);
}

TEST(CostClaims, RetrySend) {
  const CostCase one = retry_case();
  EXPECT_EQ(one.with({{"worst_ms_retries", 50}}), Verdict::refuted);
  EXPECT_EQ(one.with({{"worst_ms_retries", 20}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"worst_ms_retries", 0.5}}), Verdict::holds);
  EXPECT_EQ(one.with({}, {"worst_ms_retries"}), Verdict::not_testable_here);
}

TEST(CostClaims, AFewRoundsNeverDecideByARatio) {
  Evidence evidence;
  for (const auto& [name, value] : reconnect_case().values) {
    evidence.measure(name, name, {value, value, value});
  }
  EXPECT_EQ(reconnect_cost().decide(evidence).verdict, Verdict::not_testable_here);
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
  EXPECT_EQ(epoll_mmap().decide(evidence).verdict, Verdict::refuted);
}

}  // namespace
}  // namespace echomux::claims
