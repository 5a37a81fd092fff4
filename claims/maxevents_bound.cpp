// May epoll_wait ask for more events than epoll_create was told of?
#include <fmt/core.h>
#include <sys/epoll.h>

#include <cerrno>
#include <vector>

#include "claims/all_claims.hpp"
#include "claims/support/streams.hpp"
#include "echo/system_call.hpp"

namespace echomux::claims {
namespace maxevents_bound_claim {

constexpr int size_of_create = 4;
constexpr int ready = 16;

// What epoll_wait returns, or the errno, negative.
int wait_for(int epoll, int maxevents) {
  std::vector<epoll_event> events(static_cast<std::size_t>(maxevents) + 1);
  const int count = ::epoll_wait(epoll, events.data(), maxevents, 0);
  return count < 0 ? -errno : count;
}

void observe(Laboratory&, Evidence& evidence) {
  const FileDescriptor epoll(check(::epoll_create(size_of_create), "epoll_create"));
  std::vector<Pipe> pipes(ready);
  for (const Pipe& pipe : pipes) {
    deliver(pipe.write_end.get(), pipe.read_end.get(), 1);
    epoll_event event{.events = EPOLLIN, .data = {.fd = pipe.read_end.get()}};
    check(::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, pipe.read_end.get(), &event), "epoll_ctl");
  }
  evidence.note("size", "epoll_create's size", size_of_create);
  evidence.note("ready_fds", "descriptors ready", ready);
  evidence.note("within_events", "epoll_wait with maxevents = size returned",
                wait_for(epoll.get(), size_of_create));
  evidence.note("beyond_events", "epoll_wait with maxevents = 4 times size returned (or -errno)",
                wait_for(epoll.get(), ready));
  evidence.note("zero_events", "epoll_wait with maxevents = 0 returned (or -errno)",
                wait_for(epoll.get(), 0));
}

Finding decide(const Evidence& seen) {
  const double size = seen.value("size");
  if (seen.value("within_events") <= 0) {
    return {Verdict::not_testable_here, "epoll_wait reported nothing even within the size"};
  }
  const double beyond = seen.value("beyond_events");
  if (beyond < 0) {
    return {Verdict::holds, fmt::format("epoll_wait with maxevents above the size {} failed: {}",
                                        size, error_text(int(-beyond)))};
  }
  if (beyond <= size) {
    return {Verdict::holds_within_limits,
            fmt::format("epoll_wait took a maxevents above the size {}, but reported only {} of {} "
                        "ready descriptors",
                        size, beyond, seen.value("ready_fds"))};
  }
  return {
      Verdict::refuted,
      fmt::format("with size {} one epoll_wait reported {} descriptors; what bounds maxevents "
                  "is that it is above 0{}",
                  size, beyond,
                  seen.value("zero_events") == -EINVAL ? ", for else it fails with EINVAL" : "")};
}

}  // namespace maxevents_bound_claim

Claim maxevents_bound() {
  return {.id = "maxevents-bound",
          .sentence = "maxevents must not exceed epoll_create's size",
          .sources = "003",
          .method =
              "An instance is made with epoll_create(4), 16 ready descriptors are registered, "
              "and epoll_wait is called with maxevents 4, 16 and 0.",
          .decision =
              "Holds if 16 is refused; within limits if it is taken, but no more than 4 "
              "events come at once; refuted if more do.",
          .observe = maxevents_bound_claim::observe,
          .decide = maxevents_bound_claim::decide};
}

}  // namespace echomux::claims
