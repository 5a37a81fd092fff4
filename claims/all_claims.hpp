#pragma once

#include "claims/claim.hpp"

// Every sentence, each defined in the file of its name, in the order of the ledger.
namespace echomux::claims {

[[nodiscard]] Claim idle_scaling();
[[nodiscard]] Claim few_idle_no_gain();
[[nodiscard]] Claim all_active();
[[nodiscard]] Claim order_n_order_k();
[[nodiscard]] Claim set_copied_each_call();
[[nodiscard]] Claim select_scans_after();
[[nodiscard]] Claim select_is_poll();
[[nodiscard]] Claim fd_setsize();
[[nodiscard]] Claim poll_no_limit();
[[nodiscard]] Claim memory_bound();
[[nodiscard]] Claim epoll_mmap();
[[nodiscard]] Claim lt_is_fast_poll();
[[nodiscard]] Claim lt_again_et_once();
[[nodiscard]] Claim et_faster();
[[nodiscard]] Claim et_needs_nonblocking();
[[nodiscard]] Claim et_single_read_stalls();
[[nodiscard]] Claim short_read_is_drained();
[[nodiscard]] Claim et_several_events();
[[nodiscard]] Claim oneshot_rearm();
[[nodiscard]] Claim rdhup();
[[nodiscard]] Claim hup_err_unasked();
[[nodiscard]] Claim create_size();
[[nodiscard]] Claim maxevents_bound();
[[nodiscard]] Claim epoll_takes_fd();
[[nodiscard]] Claim wait_timeout();
[[nodiscard]] Claim interest_flip();
[[nodiscard]] Claim retry_send();
[[nodiscard]] Claim reconnect_cost();
[[nodiscard]] Claim one_stream();
[[nodiscard]] Claim threads_inefficient();
[[nodiscard]] Claim busy_poll_waste();
[[nodiscard]] Claim four_events();
[[nodiscard]] Claim hup_on_close();
[[nodiscard]] Claim out_means_empty();
[[nodiscard]] Claim reuseaddr_time_wait();
[[nodiscard]] Claim pri_is_oob();
[[nodiscard]] Claim add_twice();
[[nodiscard]] Claim event_copied();
[[nodiscard]] Claim ctl_tree_cost();
[[nodiscard]] Claim lt_works_blocking();
[[nodiscard]] Claim in_on_close();
[[nodiscard]] Claim send_is_not_delivery();
[[nodiscard]] Claim select_is_busy_polling();
[[nodiscard]] Claim readiness_is_synchronous();
[[nodiscard]] Claim reactor_workers();
[[nodiscard]] Claim coroutines_cheap();
[[nodiscard]] Claim reuseport_balances();
[[nodiscard]] Claim library_free();

}  // namespace echomux::claims
