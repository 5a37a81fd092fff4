// What does EPOLL_CTL_ADD do for a descriptor that is registered?
#include <fmt/core.h>

#include <cerrno>
#include <string>

#include "claims/all_claims.hpp"
#include "claims/support/watch.hpp"

namespace echomux::claims {
namespace add_twice_claim {

// An edge-triggered socket whose only edge has been taken, with data unread.
struct Spent {
  Connection connection = tcp_connection();
  Watch watch{connection.server.get(), EPOLLIN | EPOLLET};

  Spent() {
    deliver(connection.client.get(), connection.server.get(), 10);
    await("the first edge came", [this] { return watch.wait() != 0; });
  }
  int control(int operation) {
    return watch.control(operation, connection.server.get(), EPOLLIN | EPOLLET);
  }
};

void observe(Laboratory&, Evidence& evidence) {
  {
    Spent spent;
    note_events(evidence, "before", "the edge taken, data unread", spent.watch.wait(silence));
    evidence.note("add_errno", "errno of EPOLL_CTL_ADD again", spent.control(EPOLL_CTL_ADD));
    note_events(evidence, "after_add", "after it", spent.watch.wait(silence));
  }
  {
    Spent spent;
    evidence.note("mod_errno", "errno of EPOLL_CTL_MOD instead", spent.control(EPOLL_CTL_MOD));
    note_events(evidence, "after_mod", "after it", spent.watch.wait(patience));
  }
  Spent spent;
  static_cast<void>(spent.control(EPOLL_CTL_DEL));
  evidence.note("del_add_errno", "errno of EPOLL_CTL_ADD after EPOLL_CTL_DEL instead",
                spent.control(EPOLL_CTL_ADD));
  note_events(evidence, "after_del_add", "after it", spent.watch.wait(patience));
}

Finding decide(const Evidence& seen) {
  if (events(seen, "before") != 0) {
    return {Verdict::not_testable_here, "the edge that had been taken was reported again"};
  }
  if (events(seen, "after_mod") == 0 && events(seen, "after_del_add") == 0) {
    return {Verdict::not_testable_here, "nothing at all brought the unread data back"};
  }
  const double error = seen.value("add_errno");
  const bool armed = events(seen, "after_add") != 0;
  if (armed) {
    return {error == 0 ? Verdict::holds : Verdict::holds_within_limits,
            error == 0 ? "adding again reported what was unread"
                       : "adding again failed, but reported what was unread"};
  }
  return {Verdict::refuted,
          fmt::format("adding again {} and changed nothing; EPOLL_CTL_MOD {}, and so {} "
                      "EPOLL_CTL_DEL with EPOLL_CTL_ADD",
                      error == EEXIST ? "failed with EEXIST" : "was taken",
                      events(seen, "after_mod") != 0 ? "reported what was unread" : "didn't either",
                      events(seen, "after_del_add") != 0 ? "did" : "didn't")};
}

}  // namespace add_twice_claim

Claim add_twice() {
  return {.id = "add-twice",
          .sentence =
              "Registering a descriptor again with EPOLL_CTL_ADD re-arms it (as the "
              "listing of 002 does)",
          .sources = "002",
          .method =
              "An edge-triggered socket has unread data and its edge has been taken; it is "
              "added again, and in its stead modified, or deleted and added.",
          .decision =
              "Holds if adding again reports the unread data; within limits if it does and "
              "fails nevertheless; refuted if it reports nothing while one of the others "
              "does.",
          .observe = add_twice_claim::observe,
          .decide = add_twice_claim::decide};
}

}  // namespace echomux::claims
