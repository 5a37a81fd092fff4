// Sentences about what is reported, about what the calls take, and what they do when they block.
#include "tests/claims/verdict_cases.hpp"

namespace echomux::claims {

std::vector<VerdictCase> behaviour_cases() {
  return read_cases(R"(
lt-again-et-once
  pipe_lt_first=in pipe_et_first=in pipe_unread_bytes=1024 pipe_lt_again=in pipe_et_again=0
  pipe_et_more=in tcp_lt_first=in tcp_et_first=in tcp_unread_bytes=1024 tcp_lt_again=in
  tcp_et_again=0 tcp_et_more=in -> holds
  pipe_et_again=in -> holds_within_limits
  tcp_lt_again=0 -> holds_within_limits
  pipe_et_again=in tcp_et_again=in -> refuted
  pipe_lt_again=0 tcp_lt_again=0 -> refuted
  tcp_et_first=0 -> not_testable_here
  pipe_unread_bytes=0 -> not_testable_here

et-needs-nonblocking
  blocking_events=in drain_blocked=1 dontwait_edges=2 dontwait_read_bytes=6000
  -> holds_within_limits
  drain_blocked=0 -> refuted
  dontwait_edges=1 -> holds
  dontwait_read_bytes=5999 -> holds
  blocking_events=0 -> holds

et-single-read-stalls
  et_once_echoed_bytes=1024 et_once_nudged_bytes=1024 et_drain_echoed_bytes=65536
  et_drain_nudged_bytes=1 lt_once_echoed_bytes=65536 lt_once_nudged_bytes=1 -> holds
  et_once_nudged_bytes=0 -> holds_within_limits
  et_once_echoed_bytes=65535 -> holds
  et_once_echoed_bytes=65536 -> refuted
  lt_once_echoed_bytes=65535 -> not_testable_here
  et_drain_echoed_bytes=0 -> not_testable_here

short-read-is-drained
  pipe_events=in pipe_read_bytes=100 pipe_left=0 tcp_events=in tcp_read_bytes=100 tcp_left=0
  urgent_events=in urgent_read_bytes=100 urgent_left=1 end_events=in end_read_bytes=100 end_left=1
  datagram_events=in datagram_read_bytes=6 datagram_left=1 -> holds_within_limits
  urgent_left=0 end_left=0 -> holds_within_limits
  urgent_left=0 end_left=0 datagram_left=0 -> holds
  urgent_read_bytes=4096 end_left=0 datagram_left=0 -> holds
  tcp_left=1 -> refuted
  pipe_left=1 -> refuted
  end_events=0 -> not_testable_here
  tcp_read_bytes=-EAGAIN -> not_testable_here

et-several-events
  pipe_apart_events=5 pipe_together_events=1 tcp_apart_events=5 tcp_together_events=1
  -> holds_within_limits
  pipe_together_events=5 tcp_together_events=2 -> holds
  pipe_apart_events=1 -> refuted
  tcp_apart_events=0 tcp_together_events=0 -> not_testable_here

oneshot-rearm
  first=in more_data=0 more_data_lasting=in add_errno=EEXIST after_add=0 after_mod=in spent_again=0
  -> holds
  more_data=in -> refuted
  spent_again=in -> refuted
  after_mod=0 -> refuted
  add_errno=0 after_add=in -> holds_within_limits
  more_data_lasting=0 -> not_testable_here

rdhup
  open=in half_close_lt=in+rdhup half_close_et=in+rdhup half_close_not_asked=in
  data_and_end=in+rdhup data_and_end_again=0 full_close=in+rdhup -> holds
  half_close_lt=in half_close_et=in -> refuted
  open=in+rdhup -> refuted
  half_close_et=in -> holds_within_limits
  data_and_end=in -> holds_within_limits
  data_and_end_again=in -> holds_within_limits
  full_close=hup -> holds

hup-err-unasked
  pipe_data=0 pipe_no_writer=hup pipe_no_reader=err tcp_half_closed=0 tcp_both_ended=hup
  oneshot_fired=in tcp_reset=hup+err oneshot_reset=0 -> holds_within_limits
  oneshot_reset=hup+err -> holds
  tcp_reset=hup -> refuted
  pipe_no_writer=0 -> refuted
  pipe_no_reader=0 -> refuted
  tcp_both_ended=0 -> refuted
  pipe_data=in -> not_testable_here
  oneshot_fired=0 -> not_testable_here

hup-on-close
  close=in close_read_bytes=0 after_close=0 close_wait=1 both_ended=hup reset=hup+err
  pipe_close=hup unix_close=hup -> refuted
  after_close=hup -> holds
  close=in+hup -> holds
  after_close=hup unix_close=0 -> holds_within_limits
  close_read_bytes=-EAGAIN -> not_testable_here

out-means-empty
  idle=out partly_queued_bytes=2000 partly=out full_queued_bytes=90000 full=0
  again_queued_bytes=60000 again=out -> refuted
  partly=0 again_queued_bytes=0 -> holds
  partly=0 -> holds_within_limits
  again_queued_bytes=0 -> holds_within_limits
  full=out -> not_testable_here
  idle=0 -> not_testable_here

pri-is-oob
  plain=in urgent=in+pri urgent_read_bytes=1 urgent_in_stream_bytes=2 terminal_before=0
  terminal_flushed=pri -> holds_within_limits
  urgent=in -> refuted
  plain=in+pri -> refuted
  terminal_flushed=0 -> holds_within_limits
  terminal_flushed=0 urgent_read_bytes=3 -> holds

add-twice
  before=0 add_errno=EEXIST after_add=0 mod_errno=0 after_mod=in del_add_errno=0 after_del_add=in
  -> refuted
  add_errno=0 after_add=in -> holds
  after_add=in -> holds_within_limits
  after_mod=0 -> refuted
  after_mod=0 after_del_add=0 -> not_testable_here
  before=in -> not_testable_here

in-on-close
  tcp_close_before=0 tcp_close=in tcp_close_read=0 tcp_half_close_before=0 tcp_half_close=in
  tcp_half_close_read=0 tcp_reset_before=0 tcp_reset=in+hup tcp_reset_read=-ECONNRESET
  unix_close_before=0 unix_close=in+hup unix_close_read=0 pipe_close_before=0 pipe_close=hup
  pipe_close_read=0 -> holds
  tcp_close=hup -> refuted
  unix_close=hup -> holds_within_limits
  tcp_half_close=0 -> holds_within_limits
  tcp_close_read=5 -> not_testable_here
  unix_close_before=in -> not_testable_here

fd-setsize
  fd_set_bits=1024 descriptor_limit=4097 high_fd=4096 silent_reported=0 data_reported=1
  last_in_set_refused=0 first_beyond_refused=1 -> holds_within_limits
  data_reported=0 -> holds
  silent_reported=1 -> holds
  first_beyond_refused=0 -> holds_within_limits
  fd_set_bits=65536 -> refuted

poll-no-limit
  raised_limit=2048 errno_at_raised=0 lowered_limit=256 errno_at_lowered=0
  errno_above_lowered=EINVAL -> holds_within_limits
  errno_above_lowered=0 -> holds
  errno_at_raised=EINVAL -> refuted
  raised_limit=1024 -> not_testable_here
  errno_at_lowered=EINVAL -> not_testable_here

create-size
  size_0_errno=EINVAL size_1_errno=0 size_1_added=64 size_1_reported=64 size_most_errno=0
  size_most_added=64 size_most_reported=64 -> refuted
  size_1_added=1 -> holds
  size_1_reported=63 -> holds
  size_most_errno=ENOMEM -> holds_within_limits
  size_1_errno=ENOSYS -> not_testable_here

maxevents-bound
  size=4 ready_fds=16 within_events=4 beyond_events=16 zero_events=-EINVAL -> refuted
  beyond_events=-EINVAL -> holds
  beyond_events=4 -> holds_within_limits
  beyond_events=5 -> refuted
  within_events=0 -> not_testable_here

epoll-takes-fd
  taken_fds=1 made_instances=9 last_errno=EMFILE after_close_errno=0 after_close_fds=1 -> holds
  taken_fds=0 -> refuted
  last_errno=0 -> holds_within_limits
  after_close_errno=EMFILE -> refuted
  after_close_fds=2 -> refuted

wait-timeout
  zero_ms=0.001 limit_ms=20.1 endless_slept=1 endless_woken=1 signal_ended=1 -> holds_within_limits
  signal_ended=0 -> holds
  zero_ms=1 -> refuted
  limit_ms=19.9 -> refuted
  limit_ms=40 -> refuted
  limit_ms=39.9 -> holds_within_limits
  endless_slept=0 -> refuted
  endless_woken=0 -> refuted

one-stream
  blocking_asleep=1 blocking_served=0 blocking_served_later=1 poll_served=1 -> holds
  blocking_served=1 -> refuted
  poll_served=0 -> not_testable_here
  blocking_served_later=0 -> not_testable_here

four-events
  pipe_empty_sleeps=1 pipe_not_empty_wakes=1 pipe_capacity_bytes=65536 pipe_full_sleeps=1
  pipe_one_byte_wakes=0 pipe_not_full_wakes=1 pipe_read_until_awake_bytes=4097 tcp_empty_sleeps=1
  tcp_not_empty_wakes=1 tcp_capacity_bytes=50000 tcp_full_sleeps=1 tcp_one_byte_wakes=0
  tcp_not_full_wakes=1 tcp_read_until_awake_bytes=20000 -> holds_within_limits
  pipe_one_byte_wakes=1 tcp_one_byte_wakes=1 -> holds
  tcp_one_byte_wakes=1 -> holds_within_limits
  pipe_empty_sleeps=0 -> refuted
  tcp_not_full_wakes=0 -> refuted

reuseaddr-time-wait
  beside_listener_errno=EADDRINUSE old_with_new_without_errno=EADDRINUSE old_with_new_with_errno=0
  old_without_new_without_errno=EADDRINUSE old_without_new_with_errno=EADDRINUSE
  -> holds_within_limits
  old_without_new_with_errno=0 -> holds
  old_with_new_with_errno=EADDRINUSE -> refuted
  old_with_new_without_errno=0 -> not_testable_here

event-copied
  registrations=16 own_data=16 after_unmap=16 mmap_errno=ENODEV -> holds
  own_data=15 -> refuted
  after_unmap=15 -> holds_within_limits
  mmap_errno=0 -> holds

lt-works-blocking
  one_echoed=1 other_echoed=1 unread_sent_bytes=100000 other_echoed_beside=0 other_echoed_later=1
  -> holds_within_limits
  other_echoed_beside=1 -> holds
  one_echoed=0 -> refuted
  other_echoed_later=0 -> not_testable_here

send-is-not-delivery
  taken_bytes=50000 still_here_bytes=20000 all_arrived=1 lost_bytes=20000 not_accepted_bytes=1000
  -> holds
  still_here_bytes=0 -> holds_within_limits
  still_here_bytes=0 lost_bytes=0 -> holds_within_limits
  still_here_bytes=0 lost_bytes=0 not_accepted_bytes=0 -> refuted
  all_arrived=0 -> not_testable_here

select-is-busy-polling
  busy_cpu_ms=300 busy_calls=500000 busy_voluntary_switches=0 select_cpu_ms=0.1 select_calls=1
  select_voluntary_switches=1 -> refuted
  select_cpu_ms=30 -> refuted
  select_cpu_ms=31 -> holds_within_limits
  select_cpu_ms=150 -> holds
  busy_calls=99 -> not_testable_here

readiness-is-synchronous
  small_cpu_us=1 small_sleeps=0 large_cpu_us=20 large_sleeps=0 ready=in taken_sleeps=1
  -> holds_within_limits
  large_sleeps=8 -> holds
  large_sleeps=7 -> holds_within_limits
  large_cpu_us=2.9 -> refuted
  large_cpu_us=3 -> holds_within_limits
  ready=0 -> not_testable_here
)",
                    false);
}

}  // namespace echomux::claims
