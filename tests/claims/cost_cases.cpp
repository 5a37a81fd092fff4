#include "tests/claims/cost_cases.hpp"

#include <gmock/gmock.h>

#include "claims/all_claims.hpp"

namespace echomux::claims {
namespace {

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

}  // namespace

Evidence evidence_of(const Values& values, const std::set<std::string>& unsteady) {
  Evidence evidence;
  for (const auto& [name, value] : values) {
    evidence.measure(name, name, unsteady.contains(name) ? scattered(value) : steady(value));
  }
  return evidence;
}

Verdict CostCase::with(const Values& changed, const std::set<std::string>& unsteady) const {
  Values all = values;
  for (const auto& [name, value] : changed) all.at(name) = value;
  const Finding finding = claim.decide(evidence_of(all, unsteady));
  EXPECT_FALSE(finding.because.empty());
  return finding.verdict;
}

CostCase idle_scaling_case() {
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

CostCase few_idle_case() {
  return {few_idle_no_gain(),
          {{"idle_few", 100},
           {"cpu_us_epoll_lt_none", 40},
           {"cpu_us_poll_none", 44},
           {"cpu_us_select_none", 44},
           {"cpu_us_epoll_lt_few", 40},
           {"cpu_us_poll_few", 50},
           {"cpu_us_select_few", 50}}};
}

CostCase all_active_case() {
  return {all_active(),
          {{"connections", 500},
           {"cpu_us_poll_at_once", 10},
           {"cpu_us_select_at_once", 10},
           {"cpu_us_epoll_lt_at_once", 10},
           {"cpu_us_poll_now_and_then", 40},
           {"cpu_us_select_now_and_then", 40},
           {"cpu_us_epoll_lt_now_and_then", 40}}};
}

CostCase order_case() {
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

CostCase set_copied_case() {
  return {set_copied_each_call(),
          {{"poll_reads_again", 1}, {"poll_share_copied", 0.6}, {"select_share_copied", 0.6}}};
}

CostCase select_scans_case() {
  return {select_scans_after(),
          {{"ready", 3},
           {"select_returned", 3},
           {"bits_tell_which", 0},
           {"call_us", 20},
           {"scan_us", 2},
           {"scan_share", 0.09}}};
}

CostCase select_is_poll_case() {
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

CostCase memory_case() {
  return {memory_bound(),
          {{"server_bytes_epoll_lt", 100},
           {"kernel_bytes_epoll_lt", 20'000},
           {"refused_by_descriptors", 0},
           {"descriptor_limit", 20'000},
           {"watch_limit", 5e6},
           {"memory_bytes", 2.4e10},
           {"full_buffer_bytes", 8e6}}};
}

CostCase mmap_case() {
  return {epoll_mmap(),
          {{"reported", 1},
           {"change_seen", 1},
           {"mmap_possible", 1},
           {"mmap_enodev", 0},
           {"in_maps", 1},
           {"maps_show_sharing", 1},
           {"wait_faults", 0}}};
}

CostCase tree_case() {
  return {ctl_tree_cost(),
          {{"smallest", 10},
           {"largest", 10'000},
           {"change_us_10", 0.8},
           {"change_us_most", 1.6},
           {"us_per_doubling", 0.08}}};
}

CostCase fast_poll_case() {
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

CostCase et_case() {
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

CostCase threads_case() {
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

CostCase busy_poll_case() {
  return {busy_poll_waste(),
          {{"idle_share_busy_poll", 0.98},
           {"idle_share_epoll_lt", 0.001},
           {"cpu_us_busy_poll", 10},
           {"cpu_us_epoll_lt", 10},
           {"p50_us_busy_poll", 90},
           {"p50_us_epoll_lt", 100}}};
}

CostCase reconnect_case() {
  return {reconnect_cost(),
          {{"cpu_us_epoll_lt_lasting", 10},
           {"cpu_us_epoll_lt_anew", 60},
           {"cpu_us_epoll_lt_lasting_64k", 40},
           {"cpu_us_epoll_lt_anew_64k", 100},
           {"cpu_us_threaded_lasting", 10},
           {"cpu_us_threaded_anew", 90}}};
}

CostCase flip_case() {
  return {interest_flip(),
          {{"us_at_once_1", 10},
           {"us_flipping_1", 10},
           {"us_at_once_50", 8},
           {"us_flipping_50", 8},
           {"calls_at_once", 3},
           {"calls_flipping", 6},
           {"needed_when_full", 1}}};
}

CostCase retry_case() {
  return {retry_send(),
          {{"pause_ms", 50},
           {"worst_ms_retries", 0.2},
           {"worst_ms_keeps", 0.2},
           {"worst_ms_all_read", 0.2}}};
}

std::vector<CostCase> all_cost_cases() {
  return {idle_scaling_case(), few_idle_case(),     all_active_case(),     order_case(),
          set_copied_case(),   select_scans_case(), select_is_poll_case(), memory_case(),
          mmap_case(),         tree_case(),         fast_poll_case(),      et_case(),
          threads_case(),      busy_poll_case(),    reconnect_case(),      flip_case(),
          retry_case()};
}

}  // namespace echomux::claims
