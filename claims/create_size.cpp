// Does the kernel do anything with the size that epoll_create is given?
#include <fmt/core.h>
#include <sys/epoll.h>

#include <cerrno>
#include <climits>
#include <string>
#include <vector>

#include "claims/all_claims.hpp"
#include "claims/support/streams.hpp"

namespace echomux::claims {
namespace create_size_claim {

constexpr int descriptors = 64;

// How many descriptors an instance of this size takes, and how many of them it reports as ready;
// both 0 if it can't be had.
void observe_size(Evidence& evidence, const std::string& name, int size) {
  const FileDescriptor epoll(::epoll_create(size));
  evidence.note(name + "_errno", fmt::format("errno of epoll_create({})", size), epoll ? 0 : errno);
  if (!epoll) return;
  std::vector<Pipe> pipes(descriptors);
  int added = 0;
  for (const Pipe& pipe : pipes) {
    deliver(pipe.write_end.get(), pipe.read_end.get(), 1);
    epoll_event event{.events = EPOLLIN, .data = {.fd = pipe.read_end.get()}};
    added += ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, pipe.read_end.get(), &event) == 0 ? 1 : 0;
  }
  std::vector<epoll_event> events(descriptors);
  evidence.note(name + "_added", fmt::format("of {} descriptors it took", descriptors), added);
  evidence.note(name + "_reported", "of those it reported as ready",
                ::epoll_wait(epoll.get(), events.data(), descriptors, 0));
}

void observe(Laboratory&, Evidence& evidence) {
  observe_size(evidence, "size_0", 0);
  observe_size(evidence, "size_1", 1);
  observe_size(evidence, "size_most", INT_MAX);
}

Finding decide(const Evidence& seen) {
  const double zero = seen.value("size_0_errno");
  if (seen.value("size_1_errno") != 0) {
    return {Verdict::not_testable_here, "epoll_create(1) failed"};
  }
  const double added = seen.value("size_1_added");
  const double reported = seen.value("size_1_reported");
  if (added < descriptors || reported < descriptors) {
    return {Verdict::holds, fmt::format("an instance of size 1 took {} of {} descriptors and "
                                        "reported {}",
                                        added, descriptors, reported)};
  }
  if (seen.value("size_most_errno") != 0) {
    return {Verdict::holds_within_limits,
            fmt::format("an instance of size 1 took {} descriptors, but one of {} was refused",
                        added, INT_MAX)};
  }
  return {Verdict::refuted,
          fmt::format("an instance of size 1 took and reported {} descriptors, and one of size {} "
                      "is made as well; {}",
                      added, INT_MAX,
                      zero == EINVAL ? "only 0 is refused, with EINVAL" : "so is one of size 0")};
}

}  // namespace create_size_claim

Claim create_size() {
  return {.id = "create-size",
          .sentence = "epoll_create's size tells the kernel how many descriptors to expect",
          .sources = "003 (001: ignored)",
          .method =
              "epoll_create is called with the sizes 0, 1 and the largest int, and 64 ready "
              "descriptors are registered and waited for with each instance.",
          .decision =
              "Holds if the instance of size 1 takes or reports fewer than 64; within "
              "limits if it takes them, but the largest size is refused; refuted if "
              "neither matters.",
          .observe = create_size_claim::observe,
          .decide = create_size_claim::decide};
}

}  // namespace echomux::claims
