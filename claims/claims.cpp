#include <array>

#include "claims/all_claims.hpp"

namespace echomux::claims {

std::span<const Claim> claims() noexcept {
  static const std::array all{
      idle_scaling(),
      few_idle_no_gain(),
      all_active(),
      order_n_order_k(),
      set_copied_each_call(),
      select_scans_after(),
      select_is_poll(),
      fd_setsize(),
      poll_no_limit(),
      memory_bound(),
      epoll_mmap(),
      lt_is_fast_poll(),
      lt_again_et_once(),
      et_faster(),
      et_needs_nonblocking(),
      et_single_read_stalls(),
      short_read_is_drained(),
      et_several_events(),
      oneshot_rearm(),
      rdhup(),
      hup_err_unasked(),
      create_size(),
      maxevents_bound(),
      epoll_takes_fd(),
      wait_timeout(),
      interest_flip(),
      retry_send(),
      reconnect_cost(),
      one_stream(),
      threads_inefficient(),
      busy_poll_waste(),
      four_events(),
      hup_on_close(),
      out_means_empty(),
      reuseaddr_time_wait(),
      pri_is_oob(),
      add_twice(),
      event_copied(),
      ctl_tree_cost(),
      lt_works_blocking(),
      in_on_close(),
      send_is_not_delivery(),
      select_is_busy_polling(),
      readiness_is_synchronous(),
      reactor_workers(),
      coroutines_cheap(),
      reuseport_balances(),
      library_free(),
  };
  return all;
}

}  // namespace echomux::claims
