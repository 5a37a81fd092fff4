// Sentences about cost.
#include "tests/claims/verdict_cases.hpp"

namespace echomux::claims {

std::vector<VerdictCase> cost_cases() {
  return read_cases(R"(
idle-scaling
  idle_few=100 idle_many=1000 cpu_us_epoll_lt_none=40 cpu_us_epoll_lt_few=40
  cpu_us_epoll_lt_many=40 cpu_us_poll_none=44 cpu_us_poll_few=60 cpu_us_poll_many=400
  cpu_us_select_none=44 cpu_us_select_few=60 cpu_us_select_many=400 -> holds
  cpu_us_poll_many=80 cpu_us_select_many=80 -> holds
  cpu_us_poll_many=79 -> holds_within_limits
  cpu_us_poll_many=40 -> holds_within_limits
  cpu_us_poll_none=90 -> holds_within_limits
  cpu_us_select_none=90 -> holds_within_limits
  cpu_us_poll_many=41 cpu_us_select_many=39 -> refuted
  ~cpu_us_epoll_lt_many -> not_testable_here

few-idle-no-gain
  idle_few=100 cpu_us_epoll_lt_none=40 cpu_us_poll_none=44 cpu_us_select_none=44
  cpu_us_epoll_lt_few=40 cpu_us_poll_few=50 cpu_us_select_few=50 -> holds
  cpu_us_poll_none=59 -> holds
  cpu_us_poll_none=61 -> holds_within_limits
  cpu_us_poll_none=61 cpu_us_select_none=61 -> refuted
  cpu_us_poll_few=51 cpu_us_select_few=51 -> holds_within_limits
  ~cpu_us_poll_none -> not_testable_here

all-active
  connections=500 cpu_us_poll_at_once=10 cpu_us_select_at_once=10 cpu_us_epoll_lt_at_once=10
  cpu_us_poll_now_and_then=40 cpu_us_select_now_and_then=40 cpu_us_epoll_lt_now_and_then=40
  -> holds
  cpu_us_poll_at_once=12.4 -> holds
  cpu_us_poll_now_and_then=50 -> holds_within_limits
  cpu_us_poll_at_once=12.6 -> holds_within_limits
  cpu_us_poll_at_once=12.6 cpu_us_select_at_once=12.6 -> refuted
  ~cpu_us_epoll_lt_at_once -> not_testable_here
  ~cpu_us_epoll_lt_now_and_then -> not_testable_here

order-n-order-k
  wait_us_select_100_1=3 wait_us_select_1000_1=27 wait_us_poll_10_1=0.6 wait_us_poll_100_1=3
  wait_us_poll_1000_1=27 wait_us_poll_1000_100=28 wait_us_poll_1000_1000=35 wait_us_epoll_100_1=0.4
  wait_us_epoll_1000_1=0.42 wait_us_epoll_1000_100=5 wait_us_epoll_1000_1000=48 -> holds
  wait_us_poll_1000_1=14 -> holds_within_limits
  wait_us_epoll_1000_1000=20 -> holds_within_limits
  wait_us_select_1000_1=5 -> refuted
  wait_us_epoll_1000_1=3 -> refuted
  ~wait_us_epoll_1000_1 -> not_testable_here

set-copied-each-call
  poll_reads_again=1 poll_share_copied=0.6 select_share_copied=0.6 -> holds
  poll_reads_again=0 -> refuted
  poll_share_copied=0.2 select_share_copied=0.01 -> refuted
  poll_share_copied=0.3 select_share_copied=0.01 -> holds_within_limits
  poll_share_copied=0.5 -> not_testable_here

select-scans-after
  ready=3 select_returned=3 bits_tell_which=0 call_us=20 scan_us=2 scan_share=0.09 -> holds
  bits_tell_which=1 -> refuted
  bits_tell_which=1 scan_share=0.3 -> holds_within_limits
  bits_tell_which=1 scan_share=0.25 -> not_testable_here

select-is-poll
  wait_us_select_100_1=3 wait_us_poll_100_1=3 wait_us_select_1000_1=27 wait_us_poll_1000_1=27
  select_us_high=1 poll_us_high=1 highest=9999 hang_up_told_apart=0 -> holds
  select_us_high=1.6 -> holds_within_limits
  hang_up_told_apart=1 -> holds_within_limits
  wait_us_select_100_1=5 -> holds_within_limits
  wait_us_select_100_1=5 wait_us_poll_1000_1=50 -> refuted
  ~wait_us_poll_100_1 -> not_testable_here

memory-bound
  server_bytes_epoll_lt=100 kernel_bytes_epoll_lt=20000 refused_by_descriptors=0
  descriptor_limit=20000 watch_limit=5e6 memory_bytes=2.4e10 full_buffer_bytes=8e6 -> holds
  refused_by_descriptors=1 -> holds_within_limits
  kernel_bytes_epoll_lt=3000 -> holds_within_limits
  kernel_bytes_epoll_lt=3000 refused_by_descriptors=1 -> refuted
  kernel_bytes_epoll_lt=-3000 -> not_testable_here

epoll-mmap
  reported=1 change_seen=1 mmap_possible=1 mmap_enodev=0 in_maps=1 maps_show_sharing=1
  wait_faults=0 -> holds
  change_seen=0 mmap_possible=0 in_maps=0 wait_faults=1 -> refuted
  wait_faults=1 change_seen=0 -> holds_within_limits
  reported=0 -> not_testable_here
  change_seen=0 mmap_possible=0 in_maps=0 wait_faults=1 maps_show_sharing=0 -> not_testable_here

ctl-tree-cost
  smallest=10 largest=10000 change_us_10=0.8 change_us_most=1.6 us_per_doubling=0.08 -> holds
  change_us_most=3.1 -> holds
  change_us_most=3.3 -> holds_within_limits
  change_us_most=0.8 us_per_doubling=0 -> holds_within_limits
  change_us_most=26 -> refuted
  ~change_us_most -> not_testable_here

lt-is-fast-poll
  reported_poll=3 reported_lt=3 wait_us_poll_1_1=0.4 wait_us_epoll_1_1=0.4 wait_us_poll_10_1=0.6
  wait_us_epoll_10_1=0.4 wait_us_poll_1000_1=27 wait_us_epoll_1000_1=0.4 wait_us_poll_1000_1000=35
  wait_us_epoll_1000_1000=35 -> holds
  wait_us_epoll_1_1=0.6 -> holds_within_limits
  wait_us_epoll_1000_1000=50 -> holds_within_limits
  wait_us_epoll_1000_1=25 -> refuted
  reported_lt=1 -> refuted
  ~wait_us_epoll_1_1 -> not_testable_here

et-faster
  cpu_us_epoll_et_small=8 cpu_us_epoll_lt_small=10 cpu_us_epoll_et_large=800
  cpu_us_epoll_lt_large=1000 calls_epoll_et_small=4 calls_epoll_lt_small=3 calls_epoll_et_large=150
  calls_epoll_lt_large=200 -> holds
  cpu_us_epoll_et_small=10 -> holds_within_limits
  cpu_us_epoll_et_large=1000 -> holds_within_limits
  cpu_us_epoll_et_small=9.2 cpu_us_epoll_et_large=1000 -> refuted
  cpu_us_epoll_et_small=10 ~cpu_us_epoll_et_large -> not_testable_here

coroutines-cheap
  cpu_us_coroutines=40 cpu_us_epoll_lt=40 bytes_coroutines=44 bytes_epoll_lt=44 -> holds
  bytes_coroutines=230 -> holds_within_limits
  cpu_us_coroutines=30 bytes_coroutines=230 -> holds_within_limits
  cpu_us_coroutines=50 -> refuted
  ~cpu_us_coroutines -> not_testable_here

reuseport-balances
  most_over_mean_few=1.05 most_over_mean_many=1.05 chi_squared=20 -> holds
  most_over_mean_few=1.5 -> holds_within_limits
  most_over_mean_many=1.3 -> refuted
  chi_squared=90 -> refuted
  ~most_over_mean_many -> not_testable_here

library-free
  libraries=4 cpu_us_floor=40 cpu_us_libev=40 cpu_us_libuv=40 cpu_us_asio=40 cpu_us_libevent=40
  -> holds
  cpu_us_libevent=60 -> holds_within_limits
  cpu_us_libev=50 cpu_us_libuv=50 cpu_us_asio=50 cpu_us_libevent=60 -> refuted
  ~cpu_us_libev -> not_testable_here
  libraries=0 -> not_testable_here

reactor-workers
  cpus=8 cpu_us_reactor_workers=50 cpu_us_epoll_lt=40 rps_workers=30000 rps_epoll_lt=10000
  client_busy=0.5 -> holds
  rps_workers=13000 -> holds_within_limits
  rps_workers=10000 -> refuted
  ~rps_workers -> not_testable_here
  client_busy=0.95 -> not_testable_here
  cpus=2 -> not_testable_here

threads-inefficient
  idle_many=1000 cpu_us_threaded_none=60 cpu_us_epoll_lt_none=40 cpu_us_threaded_many=60
  cpu_us_epoll_lt_many=40 cpu_us_threaded_lasting=20 cpu_us_epoll_lt_lasting=5
  cpu_us_threaded_anew=150 cpu_us_epoll_lt_anew=100 all_bytes_threaded=40000
  all_bytes_epoll_lt=8000 -> holds
  cpu_us_threaded_none=42 cpu_us_threaded_many=42 -> holds_within_limits
  cpu_us_threaded_none=42 cpu_us_threaded_many=42 cpu_us_threaded_anew=110
  cpu_us_threaded_lasting=5 -> holds_within_limits
  cpu_us_threaded_none=42 cpu_us_threaded_many=42 cpu_us_threaded_anew=110
  cpu_us_threaded_lasting=5 all_bytes_threaded=9000 -> refuted
  cpu_us_threaded_anew=110 all_bytes_threaded=9000 -> holds_within_limits
  cpu_us_threaded_none=42 cpu_us_threaded_many=42 cpu_us_threaded_anew=110
  cpu_us_threaded_lasting=5 all_bytes_threaded=9000 ~cpu_us_threaded_none -> not_testable_here

busy-poll-waste
  idle_share_busy_poll=0.98 idle_share_epoll_lt=0.001 cpu_us_busy_poll=10 cpu_us_epoll_lt=10
  p50_us_busy_poll=90 p50_us_epoll_lt=100 -> holds
  idle_share_busy_poll=0.52 -> holds
  idle_share_busy_poll=0.4 -> holds_within_limits
  idle_share_epoll_lt=0.6 -> holds_within_limits
  idle_share_busy_poll=0.04 -> refuted
  ~idle_share_busy_poll -> not_testable_here

reconnect-cost
  cpu_us_epoll_lt_lasting=10 cpu_us_epoll_lt_anew=60 cpu_us_epoll_lt_lasting_64k=40
  cpu_us_epoll_lt_anew_64k=100 cpu_us_threaded_lasting=10 cpu_us_threaded_anew=90 -> holds
  cpu_us_epoll_lt_anew=20 -> holds
  cpu_us_epoll_lt_anew=19 -> holds_within_limits
  cpu_us_epoll_lt_anew_64k=50 -> holds_within_limits
  cpu_us_epoll_lt_anew=12 -> refuted
  ~cpu_us_epoll_lt_anew -> not_testable_here

interest-flip
  us_at_once_1=10 us_flipping_1=10 us_at_once_50=8 us_flipping_50=8 calls_at_once=3
  calls_flipping=6 needed_when_full=1 -> holds
  us_flipping_1=11 -> holds_within_limits
  us_flipping_1=11 needed_when_full=0 -> refuted
  ~us_flipping_50 -> not_testable_here

retry-send
  pause_ms=50 worst_ms_retries=0.2 worst_ms_keeps=0.2 worst_ms_all_read=0.2 -> holds
  worst_ms_retries=50 -> refuted
  worst_ms_retries=20 -> holds_within_limits
  worst_ms_retries=0.5 -> holds
  ~worst_ms_retries -> not_testable_here
)",
                    true);
}

}  // namespace echomux::claims
