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
#include "harness/cpu.hpp"

namespace echomux::claims {
namespace {

using Values = std::map<std::string, double>;

// Nine rounds that agree within two per cent.
std::vector<double> steady(double value) {
  std::vector<double> values;
  for (const double off : {0.98, 1.02, 1.0, 0.99, 1.01, 1.0, 1.015, 0.985, 1.0}) {
    values.push_back(value * off);
  }
  return values;
}

// Nine that don't agree at all, around the same median.
std::vector<double> scattered(double value) {
  std::vector<double> values;
  for (const double off : {0.05, 0.1, 0.2, 0.4, 1.0, 3.0, 9.0, 20.0, 40.0}) {
    values.push_back(value * off);
  }
  return values;
}

Evidence evidence_of(const Values& values, const std::set<std::string>& unsteady = {}) {
  Evidence evidence;
  for (const auto& [name, value] : values) {
    evidence.measure(name, name, unsteady.contains(name) ? scattered(value) : steady(value));
  }
  return evidence;
}

// A claim with evidence for which it holds, or comes as near to that as it can on Linux.
struct Case {
  Claim claim;
  Values values;

  // The verdict when some of the values are others.
  [[nodiscard]] Verdict with(const Values& changed,
                             const std::set<std::string>& unsteady = {}) const {
    Values all = values;
    for (const auto& [name, value] : changed) all.at(name) = value;
    const Finding finding = claim.decide(evidence_of(all, unsteady));
    EXPECT_FALSE(finding.because.empty());
    return finding.verdict;
  }
};

Case idle_scaling_case() {
  return {idle_scaling(),
          {{"idle_few", 100},
           {"idle_many", 1000},
           {"cpu_us_epoll_lt_none", 40},
           {"cpu_us_epoll_lt_few", 40},
           {"cpu_us_epoll_lt_many", 40},
           {"cpu_us_poll_none", 44},
           {"cpu_us_poll_few", 60},
           {"cpu_us_poll_many", 400},
           {"cpu_us_select_none", 44},
           {"cpu_us_select_few", 60},
           {"cpu_us_select_many", 400}}};
}

Case few_idle_case() {
  return {few_idle_no_gain(),
          {{"idle_few", 100},
           {"cpu_us_epoll_lt_none", 40},
           {"cpu_us_poll_none", 44},
           {"cpu_us_select_none", 44},
           {"cpu_us_epoll_lt_few", 40},
           {"cpu_us_poll_few", 50},
           {"cpu_us_select_few", 50}}};
}

Case all_active_case() {
  return {all_active(),
          {{"connections", 500},
           {"cpu_us_poll_at_once", 10},
           {"cpu_us_select_at_once", 10},
           {"cpu_us_epoll_lt_at_once", 10},
           {"cpu_us_poll_now_and_then", 40},
           {"cpu_us_select_now_and_then", 40},
           {"cpu_us_epoll_lt_now_and_then", 40}}};
}

Case order_case() {
  return {order_n_order_k(),
          {{"wait_us_select_100_1", 3},
           {"wait_us_select_1000_1", 27},
           {"wait_us_poll_10_1", 0.6},
           {"wait_us_poll_100_1", 3},
           {"wait_us_poll_1000_1", 27},
           {"wait_us_poll_1000_100", 28},
           {"wait_us_poll_1000_1000", 35},
           {"wait_us_epoll_100_1", 0.4},
           {"wait_us_epoll_1000_1", 0.42},
           {"wait_us_epoll_1000_100", 5},
           {"wait_us_epoll_1000_1000", 48}}};
}

Case set_copied_case() {
  return {set_copied_each_call(),
          {{"poll_reads_again", 1}, {"poll_share_copied", 0.6}, {"select_share_copied", 0.6}}};
}

Case select_scans_case() {
  return {select_scans_after(),
          {{"ready", 3},
           {"select_returned", 3},
           {"bits_tell_which", 0},
           {"call_us", 20},
           {"scan_us", 2},
           {"scan_share", 0.09}}};
}

Case select_is_poll_case() {
  return {select_is_poll(),
          {{"wait_us_select_100_1", 3},
           {"wait_us_poll_100_1", 3},
           {"wait_us_select_1000_1", 27},
           {"wait_us_poll_1000_1", 27},
           {"select_us_high", 1},
           {"poll_us_high", 1},
           {"highest", 9999},
           {"hang_up_told_apart", 0}}};
}

Case memory_case() {
  return {memory_bound(),
          {{"server_bytes_epoll_lt", 100},
           {"kernel_bytes_epoll_lt", 20'000},
           {"refused_by_descriptors", 0},
           {"descriptor_limit", 20'000},
           {"watch_limit", 5e6},
           {"memory_bytes", 2.4e10},
           {"full_buffer_bytes", 8e6}}};
}

Case mmap_case() {
  return {epoll_mmap(),
          {{"reported", 1},
           {"change_seen", 1},
           {"mmap_possible", 1},
           {"mmap_enodev", 0},
           {"in_maps", 1},
           {"maps_show_sharing", 1},
           {"wait_faults", 0}}};
}

Case tree_case() {
  return {ctl_tree_cost(),
          {{"smallest", 10},
           {"largest", 10'000},
           {"change_us_10", 0.8},
           {"change_us_most", 1.6},
           {"us_per_doubling", 0.08}}};
}

Case fast_poll_case() {
  return {lt_is_fast_poll(),
          {{"reported_poll", 3},
           {"reported_lt", 3},
           {"wait_us_poll_1_1", 0.4},
           {"wait_us_epoll_1_1", 0.4},
           {"wait_us_poll_10_1", 0.6},
           {"wait_us_epoll_10_1", 0.4},
           {"wait_us_poll_1000_1", 27},
           {"wait_us_epoll_1000_1", 0.4},
           {"wait_us_poll_1000_1000", 35},
           {"wait_us_epoll_1000_1000", 35}}};
}

Case et_case() {
  return {et_faster(),
          {{"cpu_us_epoll_et_small", 8},
           {"cpu_us_epoll_lt_small", 10},
           {"cpu_us_epoll_et_large", 800},
           {"cpu_us_epoll_lt_large", 1000},
           {"calls_epoll_et_small", 4},
           {"calls_epoll_lt_small", 3},
           {"calls_epoll_et_large", 150},
           {"calls_epoll_lt_large", 200}}};
}

Case threads_case() {
  return {threads_inefficient(),
          {{"idle_many", 1000},
           {"cpu_us_threaded_none", 60},
           {"cpu_us_epoll_lt_none", 40},
           {"cpu_us_threaded_many", 60},
           {"cpu_us_epoll_lt_many", 40},
           {"cpu_us_threaded_lasting", 20},
           {"cpu_us_epoll_lt_lasting", 5},
           {"cpu_us_threaded_anew", 150},
           {"cpu_us_epoll_lt_anew", 100},
           {"all_bytes_threaded", 40'000},
           {"all_bytes_epoll_lt", 8'000}}};
}

Case busy_poll_case() {
  return {busy_poll_waste(),
          {{"idle_share_busy_poll", 0.98},
           {"idle_share_epoll_lt", 0.001},
           {"cpu_us_busy_poll", 10},
           {"cpu_us_epoll_lt", 10},
           {"p50_us_busy_poll", 90},
           {"p50_us_epoll_lt", 100}}};
}

Case reconnect_case() {
  return {reconnect_cost(),
          {{"cpu_us_epoll_lt_lasting", 10},
           {"cpu_us_epoll_lt_anew", 60},
           {"cpu_us_epoll_lt_lasting_64k", 40},
           {"cpu_us_epoll_lt_anew_64k", 100},
           {"cpu_us_threaded_lasting", 10},
           {"cpu_us_threaded_anew", 90}}};
}

Case flip_case() {
  return {interest_flip(),
          {{"us_at_once_1", 10},
           {"us_flipping_1", 10},
           {"us_at_once_50", 8},
           {"us_flipping_50", 8},
           {"calls_at_once", 3},
           {"calls_flipping", 6},
           {"needed_when_full", 1}}};
}

Case retry_case() {
  return {retry_send(),
          {{"pause_ms", 50},
           {"worst_ms_retries", 0.2},
           {"worst_ms_keeps", 0.2},
           {"worst_ms_all_read", 0.2}}};
}

std::vector<Case> all_cases() {
  return {idle_scaling_case(), few_idle_case(),     all_active_case(),     order_case(),
          set_copied_case(),   select_scans_case(), select_is_poll_case(), memory_case(),
          mmap_case(),         tree_case(),         fast_poll_case(),      et_case(),
          threads_case(),      busy_poll_case(),    reconnect_case(),      flip_case(),
          retry_case()};
}

TEST(CostClaims, HoldWhereAllEvidenceSpeaksForThem) {
  for (const Case& one : all_cases()) {
    EXPECT_EQ(one.with({}), Verdict::holds) << one.claim.id;
  }
}

TEST(CostClaims, AreNotDecidedWithoutAnyOneOfTheirObservations) {
  for (const Case& one : all_cases()) {
    for (const auto& [name, value] : one.values) {
      Values rest = one.values;
      rest.erase(name);
      EXPECT_THROW(static_cast<void>(one.claim.decide(evidence_of(rest))), std::out_of_range)
          << one.claim.id << " without " << name;
    }
  }
}

TEST(CostClaims, SayWhatTheyAreAndWhatDecides) {
  for (const Case& one : all_cases()) {
    EXPECT_FALSE(one.claim.sentence.empty()) << one.claim.id;
    EXPECT_FALSE(one.claim.sources.empty()) << one.claim.id;
    EXPECT_FALSE(one.claim.method.empty()) << one.claim.id;
    EXPECT_FALSE(one.claim.decision.empty()) << one.claim.id;
    EXPECT_NE(one.claim.observe, nullptr) << one.claim.id;
  }
}

TEST(CostClaims, IdleScaling) {
  const Case one = idle_scaling_case();
  EXPECT_EQ(one.with({{"cpu_us_poll_many", 80}, {"cpu_us_select_many", 80}}), Verdict::holds);
  EXPECT_EQ(one.with({{"cpu_us_poll_many", 79}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"cpu_us_poll_many", 40}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"cpu_us_poll_none", 90}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"cpu_us_select_none", 90}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"cpu_us_poll_many", 41}, {"cpu_us_select_many", 39}}), Verdict::refuted);
  EXPECT_EQ(one.with({}, {"cpu_us_epoll_lt_many"}), Verdict::not_testable_here);
}

TEST(CostClaims, FewIdleNoGain) {
  const Case one = few_idle_case();
  EXPECT_EQ(one.with({{"cpu_us_poll_none", 59}}), Verdict::holds);
  EXPECT_EQ(one.with({{"cpu_us_poll_none", 61}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"cpu_us_poll_none", 61}, {"cpu_us_select_none", 61}}), Verdict::refuted);
  EXPECT_EQ(one.with({{"cpu_us_poll_few", 51}, {"cpu_us_select_few", 51}}),
            Verdict::holds_within_limits);
  EXPECT_EQ(one.with({}, {"cpu_us_poll_none"}), Verdict::not_testable_here);
}

TEST(CostClaims, AllActive) {
  const Case one = all_active_case();
  EXPECT_EQ(one.with({{"cpu_us_poll_at_once", 12.4}}), Verdict::holds);
  EXPECT_EQ(one.with({{"cpu_us_poll_now_and_then", 50}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"cpu_us_poll_at_once", 12.6}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"cpu_us_poll_at_once", 12.6}, {"cpu_us_select_at_once", 12.6}}),
            Verdict::refuted);
  EXPECT_EQ(one.with({}, {"cpu_us_epoll_lt_at_once"}), Verdict::not_testable_here);
  EXPECT_EQ(one.with({}, {"cpu_us_epoll_lt_now_and_then"}), Verdict::not_testable_here);
}

TEST(CostClaims, OrderNOrderK) {
  const Case one = order_case();
  EXPECT_EQ(one.with({{"wait_us_poll_1000_1", 14}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"wait_us_epoll_1000_1000", 20}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"wait_us_select_1000_1", 5}}), Verdict::refuted);
  EXPECT_EQ(one.with({{"wait_us_epoll_1000_1", 3}}), Verdict::refuted);
  EXPECT_EQ(one.with({}, {"wait_us_epoll_1000_1"}), Verdict::not_testable_here);
}

TEST(CostClaims, SetCopiedEachCall) {
  const Case one = set_copied_case();
  EXPECT_EQ(one.with({{"poll_reads_again", 0}}), Verdict::refuted);
  EXPECT_EQ(one.with({{"poll_share_copied", 0.2}, {"select_share_copied", 0.01}}),
            Verdict::refuted);
  EXPECT_EQ(one.with({{"poll_share_copied", 0.3}, {"select_share_copied", 0.01}}),
            Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"poll_share_copied", 0.5}}), Verdict::not_testable_here);
}

TEST(CostClaims, SelectScansAfter) {
  const Case one = select_scans_case();
  EXPECT_EQ(one.with({{"bits_tell_which", 1}}), Verdict::refuted);
  EXPECT_EQ(one.with({{"bits_tell_which", 1}, {"scan_share", 0.3}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"bits_tell_which", 1}, {"scan_share", 0.25}}), Verdict::not_testable_here);
}

TEST(CostClaims, SelectIsPoll) {
  const Case one = select_is_poll_case();
  EXPECT_EQ(one.with({{"select_us_high", 1.6}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"hang_up_told_apart", 1}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"wait_us_select_100_1", 5}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"wait_us_select_100_1", 5}, {"wait_us_poll_1000_1", 50}}), Verdict::refuted);
  EXPECT_EQ(one.with({}, {"wait_us_poll_100_1"}), Verdict::not_testable_here);
}

TEST(CostClaims, MemoryBound) {
  const Case one = memory_case();
  EXPECT_EQ(one.with({{"refused_by_descriptors", 1}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"kernel_bytes_epoll_lt", 3000}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"kernel_bytes_epoll_lt", 3000}, {"refused_by_descriptors", 1}}),
            Verdict::refuted);
  EXPECT_EQ(one.with({{"kernel_bytes_epoll_lt", -3000}}), Verdict::not_testable_here);
}

TEST(CostClaims, EpollMmap) {
  const Case one = mmap_case();
  const Values linux{{"change_seen", 0}, {"mmap_possible", 0}, {"in_maps", 0}, {"wait_faults", 1}};
  EXPECT_EQ(one.with(linux), Verdict::refuted);
  EXPECT_EQ(one.with({{"wait_faults", 1}, {"change_seen", 0}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"reported", 0}}), Verdict::not_testable_here);
  Values blind = linux;
  blind["maps_show_sharing"] = 0;
  EXPECT_EQ(one.with(blind), Verdict::not_testable_here);
}

TEST(CostClaims, CtlTreeCost) {
  const Case one = tree_case();
  EXPECT_EQ(one.with({{"change_us_most", 3.1}}), Verdict::holds);
  EXPECT_EQ(one.with({{"change_us_most", 3.3}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"change_us_most", 0.8}, {"us_per_doubling", 0}}),
            Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"change_us_most", 26}}), Verdict::refuted);
  EXPECT_EQ(one.with({}, {"change_us_most"}), Verdict::not_testable_here);
}

TEST(CostClaims, LtIsFastPoll) {
  const Case one = fast_poll_case();
  EXPECT_EQ(one.with({{"wait_us_epoll_1_1", 0.6}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"wait_us_epoll_1000_1000", 50}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"wait_us_epoll_1000_1", 25}}), Verdict::refuted);
  EXPECT_EQ(one.with({{"reported_lt", 1}}), Verdict::refuted);
  EXPECT_EQ(one.with({}, {"wait_us_epoll_1_1"}), Verdict::not_testable_here);
}

TEST(CostClaims, EtFaster) {
  const Case one = et_case();
  EXPECT_EQ(one.with({{"cpu_us_epoll_et_small", 10}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"cpu_us_epoll_et_large", 1000}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"cpu_us_epoll_et_small", 9.2}, {"cpu_us_epoll_et_large", 1000}}),
            Verdict::refuted);
  EXPECT_EQ(one.with({{"cpu_us_epoll_et_small", 10}}, {"cpu_us_epoll_et_large"}),
            Verdict::not_testable_here);
}

TEST(CostClaims, ThreadsInefficient) {
  const Case one = threads_case();
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
  const Case one = busy_poll_case();
  EXPECT_EQ(one.with({{"idle_share_busy_poll", 0.52}}), Verdict::holds);
  EXPECT_EQ(one.with({{"idle_share_busy_poll", 0.4}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"idle_share_epoll_lt", 0.6}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"idle_share_busy_poll", 0.04}}), Verdict::refuted);
  EXPECT_EQ(one.with({}, {"idle_share_busy_poll"}), Verdict::not_testable_here);
}

TEST(CostClaims, ReconnectCost) {
  const Case one = reconnect_case();
  EXPECT_EQ(one.with({{"cpu_us_epoll_lt_anew", 20}}), Verdict::holds);
  EXPECT_EQ(one.with({{"cpu_us_epoll_lt_anew", 19}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"cpu_us_epoll_lt_anew_64k", 50}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"cpu_us_epoll_lt_anew", 12}}), Verdict::refuted);
  EXPECT_EQ(one.with({}, {"cpu_us_epoll_lt_anew"}), Verdict::not_testable_here);
}

TEST(CostClaims, InterestFlip) {
  const Case one = flip_case();
  EXPECT_EQ(one.with({{"us_flipping_1", 11}}), Verdict::holds_within_limits);
  EXPECT_EQ(one.with({{"us_flipping_1", 11}, {"needed_when_full", 0}}), Verdict::refuted);
  EXPECT_EQ(one.with({}, {"us_flipping_50"}), Verdict::not_testable_here);
}

TEST(CostClaims, RetrySend) {
  const Case one = retry_case();
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
