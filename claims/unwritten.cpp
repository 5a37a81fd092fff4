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
Claim memory_bound() {
  return unwritten("memory-bound");
}
Claim epoll_mmap() {
  return unwritten("epoll-mmap");
}
Claim lt_is_fast_poll() {
  return unwritten("lt-is-fast-poll");
}
Claim et_faster() {
  return unwritten("et-faster");
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
Claim threads_inefficient() {
  return unwritten("threads-inefficient");
}
Claim busy_poll_waste() {
  return unwritten("busy-poll-waste");
}
Claim ctl_tree_cost() {
  return unwritten("ctl-tree-cost");
}

}  // namespace echomux::claims
