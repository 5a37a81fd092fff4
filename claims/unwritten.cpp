// Sentences whose experiments are still to be written.
#include "claims/all_claims.hpp"

namespace echomux::claims {
namespace {

Claim unwritten(std::string_view id) {
  return {.id = id,
          .sentence = "(still to be written)",
          .sources = "-",
          .method = "nothing yet",
          .decision = "",
          .observe = nullptr,
          .decide = [](const Evidence&) {
            return Finding{Verdict::not_yet_tested, "the experiment is still to be written"};
          }};
}

}  // namespace

Claim idle_scaling() {
  return unwritten("idle-scaling");
}
Claim few_idle_no_gain() {
  return unwritten("few-idle-no-gain");
}
Claim all_active() {
  return unwritten("all-active");
}
Claim order_n_order_k() {
  return unwritten("order-n-order-k");
}
Claim set_copied_each_call() {
  return unwritten("set-copied-each-call");
}
Claim select_scans_after() {
  return unwritten("select-scans-after");
}
Claim select_is_poll() {
  return unwritten("select-is-poll");
}
Claim fd_setsize() {
  return unwritten("fd-setsize");
}
Claim poll_no_limit() {
  return unwritten("poll-no-limit");
}
Claim memory_bound() {
  return unwritten("memory-bound");
}
Claim epoll_mmap() {
  return unwritten("epoll-mmap");
}
Claim lt_is_fast_poll() {
  return unwritten("lt-is-fast-poll");
}
Claim lt_again_et_once() {
  return unwritten("lt-again-et-once");
}
Claim et_faster() {
  return unwritten("et-faster");
}
Claim et_needs_nonblocking() {
  return unwritten("et-needs-nonblocking");
}
Claim et_single_read_stalls() {
  return unwritten("et-single-read-stalls");
}
Claim short_read_is_drained() {
  return unwritten("short-read-is-drained");
}
Claim et_several_events() {
  return unwritten("et-several-events");
}
Claim oneshot_rearm() {
  return unwritten("oneshot-rearm");
}
Claim rdhup() {
  return unwritten("rdhup");
}
Claim hup_err_unasked() {
  return unwritten("hup-err-unasked");
}
Claim create_size() {
  return unwritten("create-size");
}
Claim maxevents_bound() {
  return unwritten("maxevents-bound");
}
Claim epoll_takes_fd() {
  return unwritten("epoll-takes-fd");
}
Claim wait_timeout() {
  return unwritten("wait-timeout");
}
Claim interest_flip() {
  return unwritten("interest-flip");
}
Claim retry_send() {
  return unwritten("retry-send");
}
Claim reconnect_cost() {
  return unwritten("reconnect-cost");
}
Claim one_stream() {
  return unwritten("one-stream");
}
Claim threads_inefficient() {
  return unwritten("threads-inefficient");
}
Claim busy_poll_waste() {
  return unwritten("busy-poll-waste");
}
Claim four_events() {
  return unwritten("four-events");
}
Claim hup_on_close() {
  return unwritten("hup-on-close");
}
Claim out_means_empty() {
  return unwritten("out-means-empty");
}
Claim reuseaddr_time_wait() {
  return unwritten("reuseaddr-time-wait");
}
Claim pri_is_oob() {
  return unwritten("pri-is-oob");
}
Claim add_twice() {
  return unwritten("add-twice");
}
Claim event_copied() {
  return unwritten("event-copied");
}
Claim ctl_tree_cost() {
  return unwritten("ctl-tree-cost");
}
Claim lt_works_blocking() {
  return unwritten("lt-works-blocking");
}
Claim in_on_close() {
  return unwritten("in-on-close");
}
Claim send_is_not_delivery() {
  return unwritten("send-is-not-delivery");
}
Claim select_is_busy_polling() {
  return unwritten("select-is-busy-polling");
}
Claim readiness_is_synchronous() {
  return unwritten("readiness-is-synchronous");
}
Claim reactor_workers() {
  return unwritten("reactor-workers");
}
Claim coroutines_cheap() {
  return unwritten("coroutines-cheap");
}

}  // namespace echomux::claims
