// What wakes a descriptor whose one shot is spent?
#include <fmt/core.h>

#include <cerrno>

#include "claims/all_claims.hpp"
#include "claims/support/watch.hpp"

namespace echomux::claims {
namespace oneshot_rearm_claim {

void observe(Laboratory&, Evidence& evidence) {
  const Connection connection = tcp_connection();
  const int client = connection.client.get();
  const int server = connection.server.get();
  constexpr std::uint32_t once = EPOLLIN | EPOLLONESHOT;
  Watch watch(server, once);
  Watch lasting(server, EPOLLIN);
  deliver(client, server, 10);
  note_events(evidence, "first", "data came", watch.wait(patience));
  deliver(client, server, 10);
  note_events(evidence, "more_data", "more came", watch.wait(silence));
  note_events(evidence, "more_data_lasting", "more came, watched without EPOLLONESHOT",
              lasting.wait(silence));
  evidence.note("add_errno", "errno of EPOLL_CTL_ADD then",
                watch.control(EPOLL_CTL_ADD, server, once));
  note_events(evidence, "after_add", "after EPOLL_CTL_ADD", watch.wait(silence));
  watch.change(server, once);
  note_events(evidence, "after_mod", "after EPOLL_CTL_MOD, nothing new came", watch.wait(patience));
  deliver(client, server, 10);
  note_events(evidence, "spent_again", "more came after that", watch.wait(silence));
}

Finding decide(const Evidence& seen) {
  if (events(seen, "first") == 0 || events(seen, "more_data_lasting") == 0) {
    return {Verdict::not_testable_here, "data that came wasn't reported at all"};
  }
  const bool silent = events(seen, "more_data") == 0 && events(seen, "spent_again") == 0;
  if (!silent) return {Verdict::refuted, "more data was reported though the one shot was spent"};
  if (events(seen, "after_mod") == 0) {
    return {Verdict::refuted, "EPOLL_CTL_MOD did not bring the descriptor back"};
  }
  if (events(seen, "after_add") != 0) {
    return {Verdict::holds_within_limits, "EPOLL_CTL_ADD brought it back too"};
  }
  return {Verdict::holds,
          fmt::format("more data made no event; EPOLL_CTL_ADD failed{} and changed nothing; "
                      "EPOLL_CTL_MOD reported what was unread, once",
                      seen.value("add_errno") == EEXIST ? " with EEXIST" : "")};
}

}  // namespace oneshot_rearm_claim

Claim oneshot_rearm() {
  return {.id = "oneshot-rearm",
          .sentence = "After an EPOLLONESHOT event the descriptor is silent until EPOLL_CTL_MOD",
          .sources = "001 003",
          .method =
              "A TCP socket is watched with EPOLLONESHOT; data comes twice; then "
              "EPOLL_CTL_ADD and EPOLL_CTL_MOD are tried, and data comes again. Beside it "
              "the socket is watched without the flag.",
          .decision =
              "Holds if only EPOLL_CTL_MOD brings an event back, and only one; within "
              "limits if EPOLL_CTL_ADD does as well; refuted if more data is reported "
              "without either, or EPOLL_CTL_MOD doesn't help.",
          .observe = oneshot_rearm_claim::observe,
          .decide = oneshot_rearm_claim::decide};
}

}  // namespace echomux::claims
